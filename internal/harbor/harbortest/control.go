// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
)

// control answers the endpoints below /simulator.
func (h *Handler) control(w http.ResponseWriter, r *http.Request) {
	var body struct{ Repository, Tag, Reference string }
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
			http.Error(w, "want a JSON object: "+err.Error(), http.StatusBadRequest)
			return
		}
	}
	var result any
	var err error
	switch r.Method + " " + r.URL.Path {
	case "POST /simulator/push":
		image := Image{}
		if body.Tag != "" {
			image.Tags = []string{body.Tag}
		}
		var digest string
		digest, err = h.registry.TryPush(body.Repository, image)
		result = map[string]string{"digest": digest}
	case "POST /simulator/tag":
		_, err = h.registry.TryPush(body.Repository, Image{Digest: body.Reference, Tags: []string{body.Tag}})
		result = struct{}{}
	case "POST /simulator/delete":
		err = h.registry.DeleteArtifact(body.Repository, body.Reference)
		result = struct{}{}
	case "GET /simulator/stats":
		result = h.Stats()
	case "GET /simulator/listed":
		artifacts, sequence := h.registry.Listed(r.URL.Query()["project"]...)
		result = map[string]any{"sequence": sequence, "artifacts": artifacts}
	default:
		http.Error(w, "want POST /simulator/push, POST /simulator/tag, POST /simulator/delete, GET /simulator/stats or GET /simulator/listed", http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(marshal(result), '\n')) // the client may have gone
}

func certificatePEM(c *x509.Certificate) []byte {
	if c == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
