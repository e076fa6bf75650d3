package tokenendpoint_test

import (
	"net/http"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var transportRules = []rule{
	{"A18_body_too_long_with_its_length", a18LongBody},
	{"A19_body_too_long_in_chunks", a19EndlessBody},
	{"A20_slow_body", a20SlowBody},
	{"A28_panic_of_a_store", a28StorePanics},
	{"A28_panic_of_a_callback", a28CallbackPanics},
	{"A28_panic_of_what_reports", a28ReportingPanics},
	{"A29_hanging_up_before_the_write", a29BeforeTheWrite},
	{"A29_hanging_up_during_the_write", a29DuringTheWrite},
}

var timedTransportRules = []rule{
	{"A19_endless_body_is_cut_off_in_time", a19CutOff},
	{"A20_silent_body_ends_at_the_deadline", a20Silence},
	{"A20_dripping_body_ends_at_the_deadline", a20Dripping},
	{"A20_silent_body_of_a_refused_request", a20RefusedSilence},
	{"A20_deadline_ends_with_the_body", a20OnlyTheBody},
}

const spa = "https://spa.test"

func allowSPA(c *tokenendpoint.Config) { c.AllowedOrigins = []string{spa} }

func preflight(origin string) *testbed.Request {
	r := testbed.Form().Set("Origin", origin).Set("Access-Control-Request-Method", "POST")
	r.Method = http.MethodOptions
	r.Header.Del("Content-Type")
	return r
}

// allows asserts which scripts of other origins may read a response: those of
// the named origin, or none. The response never lets cookies through.
func allows(r *testbed.Reply, origin string) {
	r.T.Helper()
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != origin {
		r.T.Errorf("Access-Control-Allow-Origin is %q, want %q", got, origin)
	}
	if got, there := r.Header["Access-Control-Allow-Credentials"]; there {
		r.T.Errorf("Access-Control-Allow-Credentials is %q, want none", got)
	}
}
