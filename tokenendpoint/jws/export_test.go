package jws

import (
	"net/http"
	"time"
)

// ServeAt is ServeHTTP by a clock of the test's own.
func (s *KeySet) ServeAt(w http.ResponseWriter, r *http.Request, at time.Time) { s.serve(w, r, at) }
