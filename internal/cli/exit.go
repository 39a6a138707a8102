// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Exit codes of the plugin.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitDifferences = 3
	exitIncomplete  = 4
)

// exitCodes is for help texts.
const exitCodes = `Exit codes:
  0  done; for diff: no differences
  1  an error: what was printed until then is not all
  2  wrong usage: nothing was done
  3  diff found differences
  4  incomplete: fetch or sync could not read everything, and says what`

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	err  error // nil: everything has been said
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// usageError is for a wrong command line. Its message names flag, value and remedy.
func usageError(format string, args ...any) error {
	return &codedError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// finish tells of an error as kubectl does, and returns the exit code.
func finish(command string, err error, errOut io.Writer) int {
	if err == nil {
		return exitOK
	}
	code := exitError
	var coded *codedError
	if errors.As(err, &coded) {
		code = coded.code
	}
	switch {
	case coded != nil && coded.err == nil:
	case errors.Is(err, context.Canceled):
		tell(errOut, "error: interrupted\n")
	default:
		tell(errOut, "error: %v\n", err)
	}
	if code == exitUsage {
		tell(errOut, "See '%s --help' for usage.\n", command)
	}
	return code
}

// tell says something beside the output proper. Where nobody listens, it is lost.
func tell(errOut io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(errOut, format, args...)
}
