// Package document serves the JSON documents that a server publishes about
// itself, such as its keys and its metadata: to everybody, and to the scripts of
// every origin.
package document

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/deadline"
)

// Document is JSON and its ETag. It does not change, and is safe for concurrent
// use. The zero value is an empty document.
type Document struct {
	json []byte
	etag string
}

// New returns the document of some JSON, which the caller must not change
// afterwards. The ETag is the same for the same bytes, on every replica.
func New(json []byte) Document {
	sum := sha256.Sum256(json)
	return Document{json, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}

// JSON returns the document. The slice must not be changed.
func (d Document) JSON() []byte { return d.json }

// Handler answers GET and HEAD with a document as it is now. It returns how long
// readers may keep it, in whole seconds, too. An error is an outage: it is
// answered with 503 and shown to nobody.
//
// Scripts of every origin may read each answer (Fetch standard, CORS), since
// anybody may read the document. So there is no list of origins, and no Vary.
type Handler func(r *http.Request) (d Document, maxAge time.Duration, err error)

var _ http.Handler = Handler(nil)

// These are shared by all answers. Header.Set and Header.Add of a host's
// middleware replace or copy them.
var (
	everyOrigin = []string{"*"}
	exposed     = []string{"ETag, Retry-After"}
	noSniff     = []string{"nosniff"}
	typeJSON    = []string{"application/json"}
)

// The bodies of refusals, in the form of RFC 6749 §5.2 like those of the other
// endpoints.
const (
	notAllowed  = `{"error":"invalid_request","error_description":"the method is neither GET nor HEAD"}` + "\n"
	unavailable = `{"error":"temporarily_unavailable"}` + "\n"
)

// ServeHTTP answers GET, HEAD, OPTIONS, and If-None-Match (RFC 9110 §13.1.2).
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	deadline.Body(w, r, time.Now().Add(deadline.UsualBody))
	header := w.Header()
	header["X-Content-Type-Options"] = noSniff
	header["Access-Control-Allow-Origin"] = everyOrigin
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(header)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed, notAllowed)
		return
	}
	header["Access-Control-Expose-Headers"] = exposed
	d, maxAge, err := h(r)
	if err != nil {
		header.Set("Retry-After", "2")
		refuse(w, http.StatusServiceUnavailable, unavailable)
		return
	}
	header["Content-Type"] = typeJSON
	header.Set("Cache-Control", "public, max-age="+strconv.FormatInt(int64(max(maxAge, 0)/time.Second), 10))
	header.Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.json))
}

const allowed = "GET, HEAD, OPTIONS"

// preflight lets scripts send all headers: some clients have one of their own.
// "*" does not stand for Authorization, which generic clients send.
func preflight(header http.Header) {
	header.Set("Allow", allowed)
	header.Set("Access-Control-Allow-Methods", "GET, HEAD")
	header.Set("Access-Control-Allow-Headers", "*, Authorization")
	header.Set("Access-Control-Max-Age", "600")
}

func refuse(w http.ResponseWriter, status int, body string) {
	header := w.Header()
	header["Content-Type"] = typeJSON
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write([]byte(body))
}
