package jws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxJWKS = 64 << 10
	maxKeys = 100
)

var (
	errStatus      = errors.New("the answer has another status than 200")
	errUnasked     = errors.New("the answer is 304 to a request without condition")
	errJWKSSize    = fmt.Errorf("the key set is over %d bytes", maxJWKS)
	errNotAKeySet  = errors.New("the answer is not a key set")
	errTooManyKeys = fmt.Errorf("the key set has over %d keys", maxKeys)
)

// fetch asks the server for the keys that follow f.
func (r *Remote) fetch(ctx context.Context, f *fetched) (*fetched, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	if f.etag != "" {
		request.Header.Set("If-None-Match", f.etag)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && f.etag == "":
		return nil, errUnasked
	case response.StatusCode == http.StatusNotModified:
		return &fetched{keys: f.keys, etag: f.etag, useless: f.useless, maxAge: maxAge(response.Header)}, nil
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %d", errStatus, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxJWKS+1))
	if err != nil {
		return nil, err
	}
	keys, useless, err := readJWKS(document, f)
	if err != nil {
		return nil, err
	}
	return &fetched{keys: keys, etag: response.Header.Get("ETag"), useless: useless, maxAge: maxAge(response.Header)}, nil
}

// maxAge returns for how long an answer may be kept (RFC 9111 §4.2). The time that it
// has spent in a cache on the way counts: a server publishes a key for max-age before
// the key signs, and no longer.
func maxAge(h http.Header) time.Duration {
	age, found := defaultMaxAge, false
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		if name == "no-store" || name == "no-cache" {
			return fetchPause
		}
		if name != "max-age" || found {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // ParseUint returns the largest number for one out of range
			continue
		}
		age, found = time.Duration(seconds)*time.Second, true
	}
	if seconds, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil && found {
		age -= time.Duration(seconds) * time.Second
	}
	return min(max(age, minMaxAge), maxMaxAge)
}

// readJWKS returns the keys of a set (RFC 7517 §5) that can verify a token, and the
// faults of the others. For a key that was there before, it returns the same pointer.
//
// Unusable keys are left out, as §5 demands, since a set may serve other purposes
// too: other types of keys, keys for encryption, weak keys, keys without an id,
// private keys, with which any reader of the set could sign, and different keys with
// one id, since the right one cannot be told.
func readJWKS(document []byte, before *fetched) (keys []*PublicKey, useless string, err error) {
	set, err := keysOf(document)
	if err != nil {
		return nil, "", err
	}
	var faults []string
	ambiguous := make(map[string]bool)
	for i, raw := range set {
		k, err := readJWK(raw)
		if err == nil {
			j := slices.IndexFunc(keys, func(other *PublicKey) bool { return other.ID() == k.ID() })
			if j < 0 {
				keys = append(keys, k)
			} else if !keys[j].equal(k) {
				ambiguous[k.ID()] = true
				err = errAmbiguous
			}
		}
		if err != nil {
			faults = append(faults, fmt.Sprintf("key %d: %s", i, err))
		}
	}
	keys = slices.DeleteFunc(keys, func(k *PublicKey) bool { return ambiguous[k.ID()] })
	for i, k := range keys {
		if old := before.key(k.ID()); old != nil && old.equal(k) {
			keys[i] = old
		}
	}
	return keys, strings.Join(faults, "; "), nil
}

var (
	errAmbiguous  = errors.New("another key has its id")
	errUnreadable = errors.New("it is malformed, or of a type that is not supported")
	errPrivate    = errors.New("it is private or symmetric: every reader of the key set can sign")
	errPurpose    = errors.New("it is not for signatures")
)

// readJWK reads a public key (RFC 7517 §4). It ignores certificates (x5c): the URL
// shows already that the key is the server's.
func readJWK(raw json.RawMessage) (*PublicKey, error) {
	type material struct {
		Type  string `json:"kty"`
		Curve string `json:"crv,omitempty"`
		N     string `json:"n,omitempty"`
		E     string `json:"e,omitempty"`
		X     string `json:"x,omitempty"`
		Y     string `json:"y,omitempty"`
	}
	var member struct {
		material
		ID         string    `json:"kid"`
		Algorithm  string    `json:"alg"`
		Use        *string   `json:"use"`
		Operations *[]string `json:"key_ops"`
		privateMembers
	}
	if err := json.Unmarshal(raw, &member); err != nil {
		return nil, errUnreadable
	}
	switch {
	case member.present():
		return nil, errPrivate
	case member.Use != nil && *member.Use != "sig",
		member.Operations != nil && !slices.Contains(*member.Operations, "verify"):
		return nil, errPurpose
	}
	public, err := json.Marshal(member.material)
	if err != nil {
		return nil, err
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(public); err != nil { // RSA keys of over 4096 bits, too
		return nil, errUnreadable
	}
	jwk, faults := newJWK(parsed.Key, member.Algorithm, member.ID)
	if len(faults) > 0 {
		return nil, faults[0]
	}
	return newPublicKey(jwk), nil
}

// privateMembers are the private members of RFC 7518 §6.2.2, §6.3.2 and §6.4.1.
type privateMembers struct {
	D   json.RawMessage `json:"d"`
	P   json.RawMessage `json:"p"`
	Q   json.RawMessage `json:"q"`
	DP  json.RawMessage `json:"dp"`
	DQ  json.RawMessage `json:"dq"`
	QI  json.RawMessage `json:"qi"`
	Oth json.RawMessage `json:"oth"`
	K   json.RawMessage `json:"k"`
}

func (m *privateMembers) present() bool {
	return m.D != nil || m.P != nil || m.Q != nil || m.DP != nil || m.DQ != nil || m.QI != nil || m.Oth != nil || m.K != nil
}
