package main

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
)

//go:embed app
var files embed.FS

// newApp serves the app: files, and the addresses of its server.
func newApp(at addresses) http.Handler {
	root, err := fs.Sub(files, "app")
	if err != nil {
		panic(err) // the folder is embedded
	}
	config, err := json.Marshal(map[string]string{
		"issuer":        at.server,
		"authorization": at.server + "/authorize",
		"token":         at.server + "/connect/token",
		"revocation":    at.server + "/connect/revocation",
		"orders":        at.server + "/api/orders",
		"client_id":     clientID,
		"redirect_uri":  at.app + "/",
		"scope":         "orders",
	})
	if err != nil {
		panic(err) // texts
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(root))
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(config) // the connection has gone
	})
	return protected(mux, "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' "+at.server+
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
}

// protected sets the headers of every page. The policy is the app's second defence: its
// tokens are in memory, where a script that got in could take them.
func protected(h http.Handler, policy string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}
