package clientmetadata

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/deadline"
	"github.com/contit/oauth/tokenendpoint/internal/nils"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
)

// RegistrationConfig is the configuration of [Registration]. [NewRegistration] copies
// it.
type RegistrationConfig struct {
	// URL is where clients reach the Registration, such as
	// https://auth.example.com/connect/register: an https URL, or http of a loopback
	// address. The metadata of the endpoint name it as registration_endpoint. It is
	// required.
	URL string
	// Clients are the clients that are registered by hand. They come first. If nil,
	// there are none.
	Clients storage.Clients
	// Bounds are the most that a client may have that registers itself.
	Bounds Bounds
	// Keys seal the metadata into the client_id: each is 32 random bytes in base64, as
	// "openssl rand -base64 32" prints them. The first seals, and all of them open. If
	// a key is taken away, the clients that it has sealed are unknown. At least one is
	// required, and it is the same on all replicas.
	Keys []string
	// Lifetime is how long a client_id is good. If zero, it does not end.
	Lifetime time.Duration
	// MaxClientID is the length of the longest client_id, in bytes. Metadata that does
	// not fit is refused. If zero, 512, which every store of this library keeps;
	// at most 2048.
	MaxClientID int
}

// Registration is an endpoint at which a client registers itself (RFC 7591 §3), to be
// mounted at its URL. It stores nothing: the client_id of the answer is the
// metadata, sealed with AES-256-GCM (RFC 7591 appendix A.5.2), so a million
// registrations cost the store nothing, and none can be taken back before its Lifetime
// ends. Registration is a storage.Clients that opens it again. A client_id that was
// tampered with is an unknown client.
//
// No client gets a secret: one that asks for client_secret_basic or client_secret_post
// becomes a public client, and the answer says so (RFC 7591 §3.2.1).
//
// It is safe for concurrent use. Only [NewRegistration] makes a working one.
type Registration struct {
	config RegistrationConfig
	aeads  []cipher.AEAD
}

var (
	_ storage.Clients = (*Registration)(nil)
	_ http.Handler    = (*Registration)(nil)
)

const (
	// maxRequest bounds the body of a registration.
	maxRequest = 16 << 10
	// maxKeys bounds the jwks in it, in bytes, before its keys are read, which costs
	// more than all other members. No longer one of different keys fits into a client_id.
	maxKeys = 4 << 10
)

// NewRegistration returns a Registration. Its error names every fault, and shows no
// key.
func NewRegistration(c RegistrationConfig) (*Registration, error) {
	if nils.Is(c.Clients) {
		c.Clients = noClients{}
	}
	if c.MaxClientID == 0 {
		c.MaxClientID = 512
	}
	c.Bounds = c.Bounds.clone()
	r := &Registration{config: c}
	faults := []error{c.Bounds.check()}
	if u, ok := weburl.Parse(c.URL); !ok {
		faults = append(faults, errors.New("clientmetadata: URL is not a URL without a fragment, such as https://auth.example.com/connect/register"))
	} else if fault := weburl.SchemeFault(u); fault != "" {
		faults = append(faults, errors.New("clientmetadata: URL "+fault))
	}
	for i, text := range c.Keys {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(key) != 32 {
			faults = append(faults, fmt.Errorf("clientmetadata: Keys[%d] is not 32 bytes in base64", i))
			continue
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		r.aeads = append(r.aeads, aead)
	}
	if len(c.Keys) == 0 {
		faults = append(faults, errors.New("clientmetadata: Keys is empty"))
	}
	if c.Lifetime < 0 {
		faults = append(faults, errors.New("clientmetadata: Lifetime is negative"))
	}
	if c.MaxClientID < 0 || c.MaxClientID > 2048 {
		faults = append(faults, errors.New("clientmetadata: MaxClientID is not between 1 and 2048"))
	}
	return r, errors.Join(faults...)
}

// Client returns a registered client, or else one that has registered itself, as
// storage.Clients says.
func (r *Registration) Client(ctx context.Context, id string) (*storage.Client, error) {
	client, err := r.config.Clients.Client(ctx, id)
	if !errors.Is(err, storage.ErrNotFound) {
		return client, err
	}
	s, ok := r.open(id)
	if !ok || r.config.Lifetime > 0 && time.Since(time.Unix(s.IssuedAt, 0)) >= r.config.Lifetime {
		return nil, err
	}
	return s.metadata().client(id, &r.config.Bounds)
}

// ServerMetadata says registration_endpoint, and what the clients that are registered by
// hand say. Package tokenendpoint puts it into the metadata of the endpoint.
func (r *Registration) ServerMetadata() map[string]any {
	return with(r.config.Clients, "registration_endpoint", r.config.URL)
}

// Name returns the client_name that a client has registered with, for the consent
// page: it is what a stranger says of itself. It is empty if there is none.
func (r *Registration) Name(clientID string) string {
	s, _ := r.open(clientID)
	return s.Name
}

// ServeHTTP registers the client of a POST with its metadata as JSON (RFC 7591 §3.1).
// Scripts of every origin may ask: the answer has no secret, and the server stores
// nothing. The body has five seconds to arrive.
func (r *Registration) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	deadline.Body(w, request, time.Now().Add(deadline.UsualBody))
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Access-Control-Allow-Origin", "*")
	switch request.Method {
	case http.MethodPost:
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "POST")
		header.Set("Access-Control-Allow-Headers", "*, Authorization")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", "POST, OPTIONS")
		answer(w, http.StatusMethodNotAllowed, errorOf(&fault{invalidMetadata, "the method is not POST"}))
		return
	}
	m, f := r.register(w, request)
	if f != nil {
		answer(w, http.StatusBadRequest, errorOf(f))
		return
	}
	issued := time.Now().Unix()
	id, err := r.seal(sealedOf(m, issued))
	switch {
	case err != nil:
		header.Set("Retry-After", "2")
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": string(grants.TemporarilyUnavailable)})
	case len(id) > r.config.MaxClientID || !r.opens(id):
		answer(w, http.StatusBadRequest, errorOf(wrong("the metadata is too long for this server: send fewer and shorter redirect_uris, and jwks_uri in place of jwks")))
	default:
		m.ClientID = id
		answer(w, http.StatusCreated, struct {
			*metadata
			ResponseTypes []string `json:"response_types"`
			IssuedAt      int64    `json:"client_id_issued_at"`
		}{m, []string{"code"}, issued})
	}
}

// register reads the metadata of a request, and returns the registration that the client gets.
func (r *Registration) register(w http.ResponseWriter, request *http.Request) (*metadata, *fault) {
	kind, _, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, wrong("Content-Type is not application/json")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxRequest))
	if err != nil {
		return nil, wrong("the body did not arrive, or is over %d bytes long", maxRequest)
	}
	m, f := parse(text)
	if f != nil {
		return nil, f
	}
	// The MCP SDK for Python, and the example of the one for TypeScript, ask for a secret
	// and go on without one (RFC 7591 §3.2.1: a server may replace what is asked for).
	if m.AuthMethod == storage.ClientSecretBasic || m.AuthMethod == storage.ClientSecretPost {
		m.AuthMethod = storage.AuthNone
	}
	if len(m.JWKS) > maxKeys {
		return nil, wrong("jwks is over %d bytes long: send jwks_uri in its place", maxKeys)
	}
	if f := m.check(); f != nil {
		return nil, f
	}
	client, err := m.client("registered", &r.config.Bounds)
	if err != nil { // check has named what a client's author can mend
		return nil, wrong("the metadata cannot be registered")
	}
	m.ClientID, m.GrantTypes, m.Scope = "", client.GrantTypes, strings.Join(client.Scope, " ")
	return m, nil
}

func errorOf(f *fault) map[string]string {
	return map[string]string{"error": string(f.code), "error_description": f.description}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
