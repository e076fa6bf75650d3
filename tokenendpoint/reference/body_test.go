package reference_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// A request with a body that does not come holds no connection, though no page reads it.
func TestSilentBody(t *testing.T) {
	docs := serve(t, full(t))
	for _, path := range []string{"/docs", "/docs/nothing"} {
		synctest.Test(t, func(t *testing.T) { testbed.EndsSilence(t, docs, http.MethodGet, path) })
	}
}
