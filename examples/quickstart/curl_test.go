package main_test

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The test runs every line that the program prints for pasting. It requires curl:
// without curl it could not tell whether the lines work.
func TestPrintedLines(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("this test needs %s: %v", tool, err)
		}
	}
	var grantTypes []string
	lines := 0
	for line := range strings.Lines(shared.output) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		lines++
		t.Run(line, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", line)
			var progress strings.Builder
			cmd.Stderr = &progress
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, progress.String())
			}
			var answer map[string]any
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatalf("the answer is not a JSON object: %v: %s", err, out)
			}
			want := []string{"access_token", "token_type", "expires_in", "refresh_token"}
			switch {
			case strings.Contains(line, "/demo/resource"):
				want = []string{"iss", "sub", "aud", "exp"}
			case strings.HasSuffix(line, "/connect/introspect'"):
				want = []string{"active", "client_id", "exp"}
			case strings.HasSuffix(line, "/connect/revocation'"):
				want = nil // {}
			case strings.HasSuffix(line, "/oauth-authorization-server'"):
				want = []string{"issuer", "token_endpoint", "introspection_endpoint"}
			case strings.HasSuffix(line, "/jwks.json'"):
				want = []string{"keys"}
			case strings.HasPrefix(line, "curl '") && strings.Contains(line, "/demo/code"):
				want = []string{"code"}
			case strings.Contains(line, "/demo/api-key"):
				want = []string{"api_key"}
			}
			for _, name := range want {
				if answer[name] == nil {
					t.Errorf("answer = %s, want %s in it", out, name)
				}
			}
		})
		grantTypes = append(grantTypes, grantTypeIn(line))
	}
	for _, want := range []string{"client_credentials", "refresh_token", "api_key", "authorization_code"} {
		if !slices.Contains(grantTypes, want) {
			t.Errorf("of %d lines none shows %s", lines, want)
		}
	}
}

var grantType = regexp.MustCompile(`grant_type(?:=|": ")([a-z_]+)`)

func grantTypeIn(line string) string {
	if m := grantType.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}
