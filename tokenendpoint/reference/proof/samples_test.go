package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	_ "golang.org/x/oauth2/clientcredentials" // the samples in Go import it, and are run in this module

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// TestSamples runs the samples of each language as the page shows them, for each grant, as
// a form and as JSON, with the secret in the body and in the header, against the server
// that they name.
func TestSamples(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	b.fill("#try-client_id", "app")
	b.fill("#try-client_secret", s.secret)
	for _, language := range []struct {
		id  string
		run func(t *testing.T, samples []string) (said []string)
	}{
		{"curl", each(runCurl)}, {"csharp", runCSharp}, {"javascript", each(runJavaScript)}, {"python", each(runPython)}, {"go", each(runGo)}, {"http", each(runHTTP)},
	} {
		t.Run(language.id, func(t *testing.T) {
			var names, samples []string
			for _, grant := range []string{grants.TypeAuthorizationCode, grants.TypeClientCredentials, grants.TypeAPIKey, grants.TypeRefreshToken, parcelType} {
				for _, way := range []struct{ json, basic string }{{"false", "false"}, {"true", "true"}, {"true", "false"}, {"false", "true"}} {
					if grant != grants.TypeClientCredentials && way.json != way.basic {
						continue // the four ways once, and two of them for the other grants
					}
					names = append(names, fmt.Sprintf("%s, JSON %s, Basic %s", grant, way.json, way.basic))
					samples = append(samples, s.sample(b, language.id, grant, way.json, way.basic))
				}
			}
			for i, said := range language.run(t, samples) {
				if !strings.Contains(said, "eyJ") {
					t.Errorf("%s: no access token comes:\n%s\n\n%s", names[i], samples[i], said)
				}
			}
		})
	}
}

// each runs samples one by one.
func each(one func(*testing.T, string) string) func(*testing.T, []string) []string {
	return func(t *testing.T, samples []string) (said []string) {
		for _, sample := range samples {
			said = append(said, one(t, sample))
		}
		return said
	}
}

// sample fills in the form with fresh credentials, and returns what the page shows.
func (s *site) sample(b *tab, language, grant, asJSON, basic string) string {
	b.Helper()
	b.choose(grant)
	for _, f := range s.fresh(b.T, grant) {
		b.fill("#try-"+f.name, f.value)
	}
	b.click("input[name=try-format][value=" + asJSON + "]")
	b.click("input[name=try-secret][value=" + basic + "]")
	b.click("#try [role=tab][id$=-" + language + "]")
	return b.text("#try [role=tabpanel]")
}

type filled struct{ name, value string }

// verifier has each character that a code_verifier can have.
const verifier = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// fresh makes the credential that a grant uses up.
func (s *site) fresh(t *testing.T, grant string) []filled {
	t.Helper()
	client, err := s.store.Client(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	switch grant {
	case grants.TypeAPIKey:
		return []filled{{"api_key", s.apiKey}}
	case parcelType:
		return []filled{{"parcel", "42"}}
	case grants.TypeRefreshToken:
		resp, err := http.PostForm(s.url+"/connect/token", map[string][]string{"grant_type": {"api_key"}, "client_id": {"app"}, "api_key": {s.apiKey}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`"refresh_token":"([^"]+)"`).FindSubmatch(body)
		if m == nil {
			t.Fatalf("no refresh token in %s", body)
		}
		return []filled{{"refresh_token", string(m[1])}}
	case grants.TypeAuthorizationCode:
		code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
			Issuer: s.url, Client: client, Subject: "user:42", RedirectURI: client.RedirectURIs[0], Scope: client.Scope,
			CodeChallenge: challenge(verifier), CodeChallengeMethod: storage.PKCES256,
			Lifetime: 10 * time.Minute, // a compiler may come between
		}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.CreateCredential(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		return []filled{{"code", code.Reveal()}, {"redirect_uri", client.RedirectURIs[0]}, {"code_verifier", verifier}}
	}
	return nil
}

// need skips a test where a program is not there.
func need(t *testing.T, program, how string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("NOT TESTED: needs " + program + ": " + how)
	}
}

// run writes a sample into a file and runs a program with it.
func run(t *testing.T, file, sample string, command ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(sample+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience) // it may compile what it imports
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], append(command[1:], path)...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v\n%s", err, out)
	}
	return string(out)
}

func runCurl(t *testing.T, sample string) string { return run(t, "sample.sh", sample, "sh") }

func runJavaScript(t *testing.T, sample string) string {
	need(t, "node", "install the package nodejs")
	return run(t, "sample.mjs", sample, "node")
}

func runPython(t *testing.T, sample string) string {
	for _, python := range []string{"python3", "/usr/bin/python3"} { // Debian's package is for the second
		if exec.Command(python, "-c", "import requests").Run() == nil {
			return run(t, "sample.py", sample, python)
		}
	}
	t.Skip("NOT TESTED: needs Python with requests: install the package python3-requests")
	return ""
}

// runGo runs a sample inside this module, which requires golang.org/x/oauth2.
func runGo(t *testing.T, sample string) string { return run(t, "sample.go", sample, "go", "run") }

// runCSharp compiles all samples into one program, since the compiler is slow. It is that of
// Mono, which knows no statements outside of a class: each sample gets a class.
func runCSharp(t *testing.T, samples []string) (said []string) {
	need(t, "mcs", "install the packages mono-mcs and libmono-system-net-http4.0-cil")
	const end = "=== the end of a sample"
	program, calls := "", ""
	for i, sample := range samples {
		using, statements, _ := strings.Cut(sample, "\n\n")
		program += fmt.Sprintf("namespace Sample%d {\n%s\nclass Sample {\npublic static async System.Threading.Tasks.Task Run() {\n%s\n}\n}\n}\n", i, using, statements)
		calls += fmt.Sprintf("Sample%d.Sample.Run().GetAwaiter().GetResult();\nSystem.Console.WriteLine(%q);\n", i, end)
	}
	program += "class Program {\nstatic void Main() {\n" + calls + "}\n}\n"
	binary := filepath.Join(t.TempDir(), "sample.exe")
	if out := run(t, "sample.cs", program, "mcs", "-r:System.Net.Http", "-out:"+binary); strings.Contains(out, "error") {
		t.Fatalf("the samples do not compile:\n%s\n%s", out, program)
	}
	out, err := exec.CommandContext(t.Context(), "mono", binary).CombinedOutput()
	said = strings.Split(string(out), end)
	if err != nil || len(said) != len(samples)+1 {
		t.Fatalf("%d of %d samples ran to their end: %v\n%s", len(said)-1, len(samples), err, out)
	}
	return said[:len(samples)]
}

// runHTTP sends a sample as the editors do that know .http: a line with the method and the
// URL, headers, an empty line, the body.
func runHTTP(t *testing.T, sample string) string {
	t.Helper()
	head, body, _ := strings.Cut(sample, "\n\n")
	lines := bufio.NewScanner(strings.NewReader(head))
	lines.Scan()
	method, url, _ := strings.Cut(lines.Text(), " ")
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestSamplesAreTheSame: the page without JavaScript shows the samples that its scripts make
// of the same templates.
func TestSamplesAreTheSame(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	resp, err := http.Get(s.url + "/docs")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(page))
	if err != nil {
		t.Fatal(err)
	}
	source := eval[map[string]map[string]string](b, `(() => {
		const all = {};
		new DOMParser().parseFromString(`+string(quoted)+`, "text/html").querySelectorAll(".samples").forEach((samples) => {
			all[samples.dataset.grant] = {};
			samples.querySelectorAll("[data-sample]").forEach((one) => { all[samples.dataset.grant][one.dataset.sample] = one.querySelector("code").textContent; });
		});
		return all;
	})()`)
	if len(source) != 5 {
		t.Fatalf("the page has samples of %d grants, want 5", len(source))
	}
	for grant, samples := range source {
		for language, want := range samples {
			b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector("#try [role=tab][id$=-%s]").click()`, language)))
			if got := b.text(fmt.Sprintf(".samples[data-grant='%s'] [role=tabpanel]", grant)); got != want {
				t.Errorf("%s, %s: the scripts show\n%s\nthe page without them\n%s", grant, language, got, want)
			}
		}
	}
}
