package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
)

// assets are the files that pages load, with their types.
var assets = map[string]string{
	"style.css": "text/css; charset=utf-8",
	"copy.js":   "text/javascript; charset=utf-8",
	"icon.svg":  "image/svg+xml",
}

// assetPath is for the templates. The address changes with the file, so that browsers
// may keep the file for good.
func assetPath(name string) (string, error) {
	content, err := pageFiles.ReadFile("pages/" + name)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/assets/%s?v=%.8x", name, sha256.Sum256(content)), nil
}

func (s *shop) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	kind, ok := assets[name]
	content, err := pageFiles.ReadFile("pages/" + name)
	if !ok || err != nil {
		s.notFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(content)
}
