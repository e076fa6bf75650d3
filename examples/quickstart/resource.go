package main

import (
	"net/http"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

// resource is a protected resource (RFC 6750): it shows the claims of the access
// token that a request bears. It stands behind RequireToken, so that there is a
// token, and a good one.
func resource(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context())
	claims, err := token.AppendJSON(nil)
	if err != nil {
		http.Error(w, "the claims cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(claims, '\n'))
}
