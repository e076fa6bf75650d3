package proof

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// spa is examples/spa while it runs.
type spa struct {
	*tab
	app, server string
}

var spaSays = regexp.MustCompile(`Open (http://\S+)/ in a browser. Its server is (http://\S+)/connect/token`)

// openSPA builds and starts examples/spa, and opens its app. Access tokens live for ten
// minutes.
func openSPA(t *testing.T, width int64) *spa {
	t.Helper()
	out := startExample(t, "spa", "-addr", "127.0.0.1:0", "-lifetime", "10m")
	out.Scan()
	line := out.Text()
	m := spaSays.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("examples/spa says %q (%v)", line, out.Err())
	}
	s := &spa{app: m[1], server: m[2]}
	s.tab = open(t, s.app+"/", width, "light")
	s.until(`document.querySelector("#status").textContent === "Not logged in."`)
	return s
}

// status waits for the sentence that the app shows.
func (s *spa) status(want string) {
	s.Helper()
	s.until(`document.querySelector("#status")?.textContent === ` + "`" + want + "`")
}

func (s *spa) login() {
	s.Helper()
	s.click("#login")
	s.do(chromedp.WaitVisible(chromedp.CSS("#allow")))
	s.click("#allow")
	s.status("Logged in.")
}

// orders shows the orders, and returns what the app shows.
func (s *spa) orders() string {
	s.Helper()
	eval[bool](s.tab, `(document.querySelector("#output").textContent = "", true)`)
	s.click("#orders")
	s.until(`document.querySelector("#output").textContent !== ""`)
	return s.text("#output")
}

// tokenRequests counts the requests to the token endpoint since the page was loaded.
func (s *spa) tokenRequests() int {
	s.Helper()
	return eval[int](s.tab, `performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/connect/token")).length`)
}

// expire puts the clock of the page ahead, so that the access token has ended. However long
// the test takes between two steps, no other token ends.
func (s *spa) expire() {
	s.Helper()
	eval[bool](s.tab, `(() => { const now = Date.now; Date.now = () => now() + 10 * 60 * 1000; return true; })()`)
}

// TestSPA logs in, lets the access token end, refreshes, and logs out, as a user does.
func TestSPA(t *testing.T) {
	s := openSPA(t, 1440)
	s.login()
	s.shoot("body", "logged in")
	if at := eval[string](s.tab, "location.href"); at != s.app+"/" {
		t.Errorf("after the login the address is %s, want it without the code", at)
	}
	if got := s.orders(); got != "orders of 42" {
		t.Errorf("the app shows %q, want the orders of the user", got)
	}
	if got := s.tokenRequests(); got != 1 {
		t.Errorf("the app has sent %d token requests, want the one for the code", got)
	}

	s.expire()
	if got := s.orders(); got != "orders of 42" {
		t.Errorf("after the end of the access token the app shows %q, want the orders", got)
	}
	if got := s.tokenRequests(); got != 2 {
		t.Errorf("the app has sent %d token requests, want a refresh and no more", got)
	}

	// The refresh token of the refresh is another one: a second refresh works, however
	// many clicks want it at once.
	s.expire()
	eval[bool](s.tab, `(["#orders", "#orders", "#orders"].forEach((b) => document.querySelector(b).click()), true)`)
	s.until(`performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/api/orders")).length >= 5`)
	if got := s.tokenRequests(); got != 3 {
		t.Errorf("the app has sent %d token requests, want one refresh for three clicks", got)
	}
	s.status("Logged in.")

	s.click("#logout")
	s.status("Logged out.")
	if eval[bool](s.tab, `!document.querySelector("#orders").disabled`) {
		t.Error("after the logout the orders can be asked for")
	}
	s.silent()
}

// TestSPAKeepsNothing: nothing that a script could find later has a token in it, and a
// page that was loaded again knows none.
func TestSPAKeepsNothing(t *testing.T) {
	s := openSPA(t, 360)
	s.login()
	kept := eval[string](s.tab, `JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state, document.documentElement.outerHTML])`)
	for _, secret := range []string{"eyJ", "rt_", "ac_", "verifier"} {
		if strings.Contains(kept, secret) {
			t.Errorf("the page keeps %q where a script finds it: %s", secret, kept)
		}
	}
	s.do(chromedp.Navigate(s.app + "/"))
	s.status("Not logged in.")
	s.silent()
}

// TestSPARefusesAnswers: the app takes no answer that is not to its own login.
func TestSPARefusesAnswers(t *testing.T) {
	for _, tt := range []struct{ name, query, want string }{
		{"of a login that was not begun here", "?code=ac_x&state=made-up&iss=…", "This login was not begun here."},
		{"of another server", "?code=ac_x&state=STATE&iss=https://evil.example.com", "This answer is of another server."},
		{"without iss", "?code=ac_x&state=STATE", "This answer is of another server."},
		{"that has markup for an error", "?error=%3Cimg%20src=x%20onerror=alert(1)%3E&state=STATE&iss=ISSUER", "The login ended: <img src=x onerror=alert(1)>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openSPA(t, 1440)
			eval[bool](s.tab, `(sessionStorage.setItem("login", JSON.stringify({ verifier: "v", state: "STATE" })), true)`)
			s.do(chromedp.Navigate(s.app + "/" + strings.ReplaceAll(tt.query, "ISSUER", s.server)))
			s.status(tt.want)
			if got := s.tokenRequests(); got != 0 {
				t.Errorf("the app has sent %d token requests, want none", got)
			}
			s.silent()
		})
	}
	t.Run("of a user who says no", func(t *testing.T) {
		s := openSPA(t, 1440)
		s.click("#login")
		s.do(chromedp.WaitVisible(chromedp.CSS("#deny")))
		s.click("#deny")
		s.status("The login ended: access_denied")
		s.silent()
	})
}

// TestSPAPolicy: a script that gets into the page can neither run as markup nor send
// anything elsewhere.
func TestSPAPolicy(t *testing.T) {
	s := openSPA(t, 1440)
	if got := eval[string](s.tab, `fetch("https://evil.example.com/").then(() => "sent", () => "refused")`); got != "refused" {
		t.Errorf("a request to elsewhere was %s", got)
	}
	if got := eval[string](s.tab, `(() => { try { document.body.innerHTML = "<b>x</b>"; return "taken"; } catch { return "refused"; } })()`); got != "refused" {
		t.Errorf("markup was %s", got)
	}
}

// silent fails if the console has a line, or a request went elsewhere.
func (s *spa) silent() {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		s.Errorf("the console says %s", m)
	}
	for _, address := range s.asked {
		if !strings.HasPrefix(address, s.app+"/") && !strings.HasPrefix(address, s.server+"/") && !strings.HasPrefix(address, "data:") {
			s.Errorf("the page asked for %s", address)
		}
	}
}
