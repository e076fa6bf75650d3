package main

import (
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
)

// authorizePath is the authorization endpoint (RFC 6749 §3.1): the login page of a
// host. This one agrees for the demo's user without a question.
const authorizePath = "/demo/authorize"

// authorize sends the browser back to the app with a code. A host logs its user in and
// asks between Read and Approve; examples/hostapp does.
func (d *demo) authorize(w http.ResponseWriter, r *http.Request) {
	a, err := d.login.Read(r)
	if err != nil {
		d.login.Answer(w, r, nil, err)
		return
	}
	record, answer, err := a.Approve(grants.Approval{Subject: demoUser, Scope: a.Scope}, time.Now())
	if err != nil {
		d.login.Answer(w, r, nil, err)
		return
	}
	if err := d.store.CreateCredential(r.Context(), record); err != nil {
		d.login.Answer(w, r, nil, a.Refuse(err)) // an outage: the app gets no code that is not stored
		return
	}
	d.login.Answer(w, r, answer, nil)
}
