package jws

import (
	"net/http"
	"time"

	"github.com/contit/oauth/storage"
)

// ServeAt is ServeHTTP by a clock of the test's own.
func (s *KeySet) ServeAt(w http.ResponseWriter, r *http.Request, at time.Time) { s.serve(w, r, at) }

// MoveTo makes s use another store from now on.
func (s *StoredKeys) MoveTo(store storage.SigningKeys) { s.store = store }

// DecodePlain returns the members of a text that is read without encoding/json.
func DecodePlain(text []byte) (all map[string]any, ok bool) {
	list, ok := decodePlain(text, nil)
	all = make(map[string]any)
	for _, m := range list {
		all[m.name] = m.value
	}
	return all, ok
}
