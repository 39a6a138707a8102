// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package names resolves host names as a test wants them: one and the same name
// can have another address at each look.
package names

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
)

// Resolver returns a resolver that asks a function for the IPv4 address of each
// name, in lower case and without a dot at its end. An invalid address means that
// there is none. The function is called by several goroutines at once.
func Resolver(address func(name string) netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go serve(there, address)
		return here, nil
	}}
}

// serve answers questions as a name server does over TCP (RFC 1035, section 4.2.2).
func serve(conn net.Conn, address func(string) netip.Addr) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		reply := answer(question, address)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil { //nolint:gosec // a few hundred bytes
			return
		}
	}
}

const (
	headerBytes = 12
	typeA       = 1
)

// answer makes the reply to a question of Go's resolver: the question again, and
// a record where one is asked for and known.
func answer(question []byte, address func(string) netip.Addr) []byte {
	var labels []string
	end := headerBytes
	for question[end] != 0 {
		next := end + 1 + int(question[end])
		labels = append(labels, strings.ToLower(string(question[end+1:next])))
		end = next
	}
	end += 5 // the root, type and class
	reply := append([]byte{}, question[:end]...)
	copy(reply[2:headerBytes], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	if binary.BigEndian.Uint16(question[end-4:]) != typeA {
		return reply
	}
	if found := address(strings.Join(labels, ".")); found.Is4() {
		reply[7] = 1                                                               // one answer: for the name of the question, of type A, class IN
		reply = append(reply, 0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4) // not to be kept
		reply = append(reply, found.AsSlice()...)
	}
	return reply
}
