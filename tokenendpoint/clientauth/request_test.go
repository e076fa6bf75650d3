package clientauth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func TestCredentialsDoNotPrint(t *testing.T) {
	const text = "the-secret"
	r := httptest.NewRequest("POST", "/", nil)
	r.SetBasicAuth("app", text)
	c := clientauth.Request{ID: "app", Method: storage.ClientSecretBasic, Secret: storage.PresentedSecret(text), HTTP: r}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, c, &c, []any{c, struct{ C clientauth.Request }{c}})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "credentials", c, "pointer", &c)
	b, err := json.Marshal(c)
	out.Write(b)
	if got := out.String(); err != nil || strings.Contains(got, text) || strings.Contains(got, r.Header.Get("Authorization")) {
		t.Errorf("the secret was printed, or there was an error (%v):\n%s", err, got)
	}
	if got, want := fmt.Sprint(c), `clientauth.Request{Method: "client_secret_basic"}`; got != want {
		t.Errorf("credentials print as %s, want %s: an API key may stand in the place of the identifier", got, want)
	}
}
