package clientmetadata_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// A body that does not come holds no connection: net/http has no deadline of its own. It
// waits for the body of a request that was refused, too.
func TestT11SilentBody(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near := testbed.Serve(t, registration(t))
				begin := time.Now()
				fmt.Fprintf(near, "%s / HTTP/1.1\r\nHost: as.test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", method)
				from := bufio.NewReader(near)
				response, err := http.ReadResponse(from, nil)
				if err != nil || response.StatusCode >= 500 || response.StatusCode < 400 || time.Since(begin) > 5*time.Second {
					t.Errorf("got %v, %v after %v, want a refusal after 5 seconds at most", response, err, time.Since(begin))
				}
				io.Copy(io.Discard, from) // until net/http has ended the connection
			})
		})
	}
}

// A registration costs a stranger's request no memory to speak of: a compressor takes
// most of a mebibyte, and is used again.
func TestT10Memory(t *testing.T) {
	r := registration(t)
	const requests = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		register(t, r, mcpClient)
	}
	runtime.ReadMemStats(&after)
	// The race detector has pools of memory lose every fourth piece.
	if got := (after.TotalAlloc - before.TotalAlloc) / requests; got > 400<<10 {
		t.Errorf("a registration allocates %d bytes, want less than 400 KiB", got)
	}
}

// The keys of a jwks that no client_id can hold are not read.
func TestRegistrationOfALongJWKS(t *testing.T) {
	status, got := register(t, registration(t), `{"redirect_uris":["https://a.test/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[`+strings.Repeat(" ", 5<<10)+`]}}`)
	if description, _ := got["error_description"].(string); status != http.StatusBadRequest || !strings.Contains(description, "jwks is over 4096 bytes") {
		t.Errorf("got %d %v, want that the jwks is too long", status, got)
	}
}
