package readme

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/contit/oauth/examples/internal/blocks"
)

// unasked are functions that are in a program only if its host asks for them: an HTTP
// client, which no endpoint needs by itself, and the ways of client authentication that
// may fetch what a client's record names.
var unasked = []string{
	"net/http.(*Client).",
	"net/http.(*Transport).",
	"github.com/contit/oauth/tokenendpoint/assertion.(*Verifier).",
	"github.com/contit/oauth/tokenendpoint/clientauth.(*Assertions).",
	"github.com/contit/oauth/tokenendpoint/clientauth.(*Certificates).",
	"github.com/contit/oauth/tokenendpoint/jws.(*Remote).",
}

// TestProgramHasOnlyWhatItAsksFor looks for the functions in the first program, and in one
// that asks for them: so that a name that has changed does not hide them.
func TestProgramHasOnlyWhatItAsksFor(t *testing.T) {
	plain := blocks.Of(t, root+"/README.md", "go")[0]
	const from, to = "Storage: store,", `Storage: store, ClientValidator: &clientauth.Secrets{
		Clients: store, Assertions: &clientauth.Assertions{Issuer: "http://127.0.0.1:8080"}, Certificates: &clientauth.Certificates{},
	},`
	asking := strings.Replace(plain, from, to, 1)
	if asking == plain {
		t.Fatalf("the first program does not have %q", from)
	}
	linked, all := functions(t, plain), functions(t, asking)
	for _, name := range unasked {
		if strings.Contains(linked, " "+name) {
			t.Errorf("the first program has functions %s…", name)
		}
		if !strings.Contains(all, " "+name) {
			t.Errorf("a program that asks for assertions and certificates has no function %s…: is that still its name?", name)
		}
	}
}

// functions lists the symbols of a program.
func functions(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command("go", "tool", "nm", build(t, program)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
