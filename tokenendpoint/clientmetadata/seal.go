package clientmetadata

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"sync"

	"github.com/contit/oauth/storage"
)

// sealedPrefix begins a client_id that Registration has made.
const sealedPrefix = "reg_"

// maxOpened bounds the content of a client_id.
const maxOpened = 8 << 10

// sealed is the content of a client_id, under short names: stores keep a
// client_id in a column of bounded length.
type sealed struct {
	IssuedAt     int64           `json:"i"`
	RedirectURIs []string        `json:"r"`
	Name         string          `json:"n,omitempty"`
	Key          bool            `json:"k,omitempty"` // private_key_jwt
	JWKS         json.RawMessage `json:"j,omitempty"`
	JWKSURI      string          `json:"u,omitempty"`
	Algorithm    string          `json:"a,omitempty"`
}

// dictionary has the metadata that most clients send. It is part of the format: a change to it
// makes the client_ids from before unknown.
var dictionary = []byte(`ES256RS256","u":"https://"a":","k":true,"j":{"keys":[{"kty":"EC","crv":"P-256","x":"/redirect","https://vscode.dev/auth_callback/oauth/callbackmcp"],"n":"http://localhost:http://127.0.0.1/callback","{"i":17","r":["https://`)

func sealedOf(m *metadata, issuedAt int64) sealed {
	s := sealed{IssuedAt: issuedAt, RedirectURIs: m.RedirectURIs, Name: m.ClientName}
	if m.AuthMethod == storage.PrivateKeyJWT {
		s.Key, s.JWKS, s.JWKSURI, s.Algorithm = true, m.JWKS, m.JWKSURI, m.Algorithm
	}
	return s
}

func (s *sealed) metadata() *metadata {
	m := &metadata{RedirectURIs: s.RedirectURIs, ClientName: s.Name, AuthMethod: storage.AuthNone}
	if s.Key {
		m.AuthMethod, m.JWKS, m.JWKSURI, m.Algorithm = storage.PrivateKeyJWT, s.JWKS, s.JWKSURI, s.Algorithm
	}
	return m
}

// compressors are used again: each takes most of a mebibyte, and strangers register.
var compressors = sync.Pool{New: func() any {
	w, _ := flate.NewWriterDict(nil, flate.BestCompression, dictionary) // it fails for an unknown level alone
	return w
}}

// seal makes a client_id. A name that does not fit is left out.
func (r *Registration) seal(s sealed) (id string, err error) {
	if id, err = r.sealWhole(s); err != nil || len(id) <= r.config.MaxClientID || s.Name == "" {
		return id, err
	}
	s.Name = ""
	return r.sealWhole(s)
}

func (r *Registration) sealWhole(s sealed) (string, error) {
	var b bytes.Buffer
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	aead := r.aeads[0]
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // it cannot fail: the process ends instead
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, b.Bytes(), []byte(sealedPrefix))), nil
}

// opens reports whether a client_id opens again. Metadata can pack into a short one,
// and be longer than open reads.
func (r *Registration) opens(id string) bool {
	_, ok := r.open(id)
	return ok
}

// open returns the content of a client_id. Only one spelling of it opens.
func (r *Registration) open(id string) (s sealed, ok bool) {
	encoded, ok := strings.CutPrefix(id, sealedPrefix)
	if !ok || len(id) > 2048 || strings.ContainsAny(encoded, "\r\n") {
		return s, false
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return s, false
	}
	for _, aead := range r.aeads {
		if len(text) < aead.NonceSize() {
			return s, false
		}
		packed, err := aead.Open(nil, text[:aead.NonceSize()], text[aead.NonceSize():], []byte(sealedPrefix))
		if err == nil {
			plain := io.LimitReader(flate.NewReaderDict(bytes.NewReader(packed), dictionary), maxOpened)
			return s, json.NewDecoder(plain).Decode(&s) == nil
		}
	}
	return s, false
}
