package tokenendpoint

import (
	"net/http"
	"slices"
)

// cors answers for the Cross-Origin Resource Sharing of browsers. Only an
// origin that the configuration names may read an answer, and never with
// cookies. It reports whether the request was a preflight and has been
// answered.
func (h *Handler) cors(w http.ResponseWriter, r *http.Request) bool {
	if len(h.allowedOrigins) == 0 {
		return false
	}
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(h.allowedOrigins, origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		header.Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate")
		return false
	}
	header.Set("Access-Control-Allow-Methods", http.MethodPost)
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Api-Key")
	header.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
