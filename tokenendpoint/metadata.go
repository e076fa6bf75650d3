package tokenendpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// Metadata returns the handler of the authorization server's metadata (RFC
// 8414): what the configuration makes true, and Config.Metadata. Browsers may read
// it from everywhere, and whoever asks may keep it for an hour.
func (h *Handler) Metadata() http.Handler { return &h.metadata }

// describeServer is what this server says of itself. Nothing is in it that a
// request could not find to be so.
func (h *Handler) describeServer(s site) map[string]any {
	_, codes := h.grants[grants.TypeAuthorizationCode]
	m := map[string]any{
		"issuer":                   h.issuer,
		"token_endpoint":           s.token,
		"grant_types_supported":    h.grantTypes(),
		"response_types_supported": []string{}, // required, also if there is none

		"token_endpoint_auth_methods_supported": []string{storage.ClientSecretBasic, storage.ClientSecretPost},
	}
	if codes { // the page that answers to it is the host's
		m["response_types_supported"] = []string{"code"}
		m["code_challenge_methods_supported"] = []string{storage.PKCES256}
	}
	if _, alone := h.grants[grants.TypeClientCredentials]; !alone || len(h.grants) > 1 {
		m["token_endpoint_auth_methods_supported"] = []string{storage.ClientSecretBasic, storage.ClientSecretPost, storage.AuthNone}
	}
	if s.jwks != "" {
		m["jwks_uri"] = s.jwks
	}
	if s.revocation != "" {
		m["revocation_endpoint"] = s.revocation
		m["revocation_endpoint_auth_methods_supported"] = []string{storage.ClientSecretBasic, storage.ClientSecretPost, storage.AuthNone}
	}
	if s.introspection != "" {
		m["introspection_endpoint"] = s.introspection
		m["introspection_endpoint_auth_methods_supported"] = []string{storage.ClientSecretBasic, storage.ClientSecretPost}
	}
	return m
}

// grantTypes are what a request may have as its grant_type.
func (h *Handler) grantTypes() []string {
	types := slices.Sorted(maps.Keys(h.grants))
	if _, ok := h.grants[grants.TypeAPIKey]; ok {
		types = append(types, grants.TypeAPIKeyURN)
	}
	return types
}

// metadata puts the host's members beside the endpoint's own.
func (f *faults) metadata(h *Handler, s site, further map[string]any) document {
	m := h.describeServer(s)
	// PKCE is the endpoint's business, also where it has no codes.
	reserved := slices.AppendSeq([]string{"code_challenge_methods_supported"}, maps.Keys(m))
	for _, name := range slices.Sorted(maps.Keys(further)) {
		// In whatever case: encoding/json would let one stand for the other.
		if slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }) {
			f.add("Metadata: %q is said by the endpoint itself", name)
			continue
		}
		m[name] = further[name]
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		f.add("Metadata: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	return document{b.Bytes(), `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

// document is a JSON document for everybody.
type document struct {
	json []byte
	etag string
}

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["X-Content-Type-Options"] = headerNoSniff
	header.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions: // some clients send a header of their own
		header.Set("Access-Control-Allow-Methods", "GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	header["Content-Type"] = headerJSON
	header.Set("Cache-Control", "public, max-age=3600")
	header.Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.json))
}
