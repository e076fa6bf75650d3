package document_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/document"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// A request with a body that does not come holds no connection, though nobody reads the
// body: net/http waits for it, and has no deadline of its own.
func TestSilentBody(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		synctest.Test(t, func(t *testing.T) {
			testbed.EndsSilence(t, document.Handler(func(*http.Request) (document.Document, time.Duration, error) {
				return document.New([]byte("{}")), time.Hour, nil
			}), method, "/")
		})
	}
}
