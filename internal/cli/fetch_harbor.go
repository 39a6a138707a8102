// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Environment variables with the credentials of fetch.
const (
	usernameVariable = "HARBOR_USERNAME"
	passwordVariable = "HARBOR_PASSWORD"
)

// maxSecretFile bounds a file with a password, and maxCAFile one with certificates.
const (
	maxSecretFile = 64 << 10
	maxCAFile     = 8 << 20
)

// harborFlags are the way to a Harbor.
type harborFlags struct {
	url                    string
	plainHTTP, insecure    bool
	caFile                 string
	username, passwordFile string
}

func (h *harborFlags) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&h.url, "url", "", "where Harbor's portal answers, like https://harbor.example.com (required)")
	flags.BoolVar(&h.plainHTTP, "plain-http", false, "allow an http:// URL: credentials and answers travel in clear text")
	flags.StringVar(&h.caFile, "ca-file", "", "certificates in PEM that Harbor's own is verified with, in place of the system's")
	flags.BoolVar(&h.insecure, "insecure-skip-tls-verify", false, "accept any certificate: whoever sits on the way can read the credentials")
	flags.StringVarP(&h.username, "username", "u", "", "name of the robot account or user; "+usernameVariable+" if not given")
	flags.StringVar(&h.passwordFile, "password-file", "", "file with the password or secret alone, - for standard input; "+passwordVariable+" or a prompt if not given")
	_ = command.RegisterFlagCompletionFunc("url", cobra.NoFileCompletions) // the flag is there
}

func (h *harborFlags) check() error {
	switch {
	case h.url == "":
		return usageError("--url is missing: give the address of Harbor's portal, like https://harbor.example.com")
	case strings.HasPrefix(strings.ToLower(h.url), "http:") && !h.plainHTTP:
		return usageError("--url=%s would send the credentials in clear text: use https://, or give --plain-http to accept that", h.shown())
	case h.insecure && h.caFile != "":
		return usageError("--insecure-skip-tls-verify ignores --ca-file: give only one of the two")
	}
	return nil
}

// shown is the URL without what may be credentials in it.
func (h *harborFlags) shown() string {
	scheme, rest, _ := strings.Cut(h.url, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "***" + rest[at:]
	}
	return scheme + "://" + rest
}

// client reads what is to be read of files, and makes the client.
func (h *harborFlags) client(e *environment, connections int, observer transport.Observer) (*harbor.Client, error) {
	config := harbor.Config{
		URL: h.url, InsecureSkipVerify: h.insecure, UserAgent: userAgent(),
		MaxConnections: connections, Limiters: []*transport.Limiter{transport.NewAdaptiveLimiter(connections)}, Observer: observer, Retry: e.retry,
	}
	var err error
	if h.caFile != "" {
		if config.CABundle, err = readFile("--ca-file", h.caFile, maxCAFile); err != nil {
			return nil, err
		}
	}
	if config.Username, config.Password, err = h.credentials(e); err != nil {
		return nil, err
	}
	client, err := harbor.New(config)
	switch {
	case errors.Is(err, harbor.ErrNoCertificate):
		return nil, usageError("--ca-file=%s holds no certificate in PEM form", h.caFile)
	case err != nil:
		return nil, usageError("--url: %w", err)
	}
	return client, nil
}

// credentials are a name and a password, or neither.
func (h *harborFlags) credentials(e *environment) (username, password string, err error) {
	if username = h.username; username == "" {
		username = e.getenv(usernameVariable)
	}
	if username == "" {
		if h.passwordFile != "" || e.getenv(passwordVariable) != "" {
			return "", "", usageError("there is a password, and no name that it belongs to: give --username, or set %s", usernameVariable)
		}
		tell(e.ErrOut, "Without credentials: fetching what Harbor shows to everybody. Set %s and %s for more.\n", usernameVariable, passwordVariable)
		return "", "", nil
	}
	switch {
	case h.passwordFile == "-":
		password, err = secretText("--password-file", "standard input", e.In)
	case h.passwordFile != "":
		var text []byte
		if text, err = readFile("--password-file", h.passwordFile, maxSecretFile); err == nil {
			password, err = secretText("--password-file", h.passwordFile, strings.NewReader(string(text)))
		}
	default:
		if password = e.getenv(passwordVariable); password == "" {
			password, err = e.prompt(username)
		}
	}
	return username, password, err
}

// prompt asks for a password, which the terminal does not show.
func (e *environment) prompt(username string) (string, error) {
	if _, terminal := e.columns(e.In); !terminal {
		return "", usageError("there is no password for %s: set %s, or give --password-file", username, passwordVariable)
	}
	tell(e.ErrOut, "Password for %s: ", username)
	text, err := e.secret()
	tell(e.ErrOut, "\n")
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	if len(text) == 0 {
		return "", usageError("the password is empty")
	}
	return string(text), nil
}

// secretText reads a password without the end of its line.
func secretText(flag, name string, from io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" || len(text) > maxSecretFile {
		return "", usageError("%s: %s must hold a password and nothing else", flag, name)
	}
	return secret, nil
}

func readFile(flag, name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, usageError("%s: %w", flag, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	case int64(len(text)) > limit:
		return nil, usageError("%s: %s is larger than %d bytes", flag, name, limit)
	}
	return text, nil
}

// newDetail takes the name of a detail in any case.
func newDetail(name string) (v1alpha1.Detail, error) {
	i := slices.IndexFunc(details, func(known string) bool { return strings.EqualFold(known, name) })
	if i < 0 {
		return "", usageError("--include=%q: want %s", name, strings.Join(details, ", "))
	}
	return v1alpha1.Detail(details[i]), nil
}
