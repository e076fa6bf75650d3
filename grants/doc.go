// Package grants holds the decisions of a token endpoint. A grant decides which
// tokens a request may have.
//
// A [Grant] reads and answers with an [Authorization]. It mints nothing and
// writes nothing: package tokenendpoint signs, commits and responds, in one order,
// for every grant alike.
//
// # Ready grants
//
// [ClientCredentials], [AuthorizationCode], [RefreshToken] and [APIKey] are
// structs whose zero value works. A client gets only the grants that it is
// registered for. Without refresh_token among them, no grant gives the client a
// refresh token.
//
// # A grant of your own
//
// One [Func] is enough. The endpoint authenticates the client for it, and gives
// its tokens refresh, rotation and replay detection:
//
//	func badgeGrant(users users) grants.Func {
//		return func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
//			user, err := users.ByBadge(ctx, r.Form["badge"])
//			switch {
//			case errors.Is(err, sql.ErrNoRows):
//				return nil, grants.InvalidGrant
//			case err != nil:
//				return nil, err
//			}
//			return &grants.Authorization{Subject: "user:" + user.ID, Scope: []string{"doors", "lifts"}, Refresh: true}, nil
//		}
//	}
//
// The name in Config.Grants is its grant_type, and clients are registered for that
// name. The Scope that it returns is an upper bound: the endpoint narrows it to the
// scope that the request asks for and that the client may have.
//
// A grant whose credential is used once finds it with [Request.Present], and the
// endpoint uses that credential up if the request is granted. [NewCredential] makes
// such a record. A grant cannot forget this, and cannot use up another
// credential. examples/hostapp/pairing.go is such a grant.
//
// A grant whose credential another party has issued, such as an assertion, makes it good
// once with [Request.UseOnce]. The grant jwt-bearer of package assertion does so.
//
// # Verdicts and outages
//
// A code such as [InvalidGrant] is a verdict, and the client sees it. Add a
// constant sentence for the client with [ErrorCode.Describe], and a cause for the
// log with [ErrorCode.Because]. Every other error is an outage: the client gets
// 503 and an error id, and the log has the cause under that id.
//
// # Your users
//
// The sub of a token is the user if a user approved, and the client_id for
// client_credentials. Give users a sub that no client_id of yours can have, such
// as user:42, so that your API takes neither for the other (RFC 9700 §4.15).
//
// A [Hook] has the last word on the decision of a grant: it refuses, narrows, or
// adds claims. This one refuses, at the next refresh, a user that was locked after
// the login:
//
//	func notLocked(users users) grants.Hook {
//		return func(ctx context.Context, r *grants.Request, a *grants.Authorization) error {
//			id, isUser := strings.CutPrefix(a.Subject, "user:")
//			if !isUser { // a client in its own name, or an API key of nobody
//				return nil
//			}
//			user, err := users.ByID(ctx, id)
//			switch {
//			case errors.Is(err, sql.ErrNoRows):
//				return grants.InvalidGrant.Because(err) // deleted since
//			case err != nil:
//				return err // an outage: 503, and nothing is used up
//			case user.Locked:
//				return grants.InvalidGrant.Describe("the account is locked")
//			}
//			a.AddClaim("tier", user.Tier)
//			return nil
//		}
//	}
//
// Refuse a locked user in a hook and not in a grant. [InvalidGrant] from a grant
// counts as a wrong guess; [InvalidGrant] from a hook does not.
//
// Set it as Config.Hook of the endpoint, which asks it after every grant. A ready
// grant has a Hook of its own too. The endpoint asks that one first.
//
// # Your login page
//
// Clients send their users to a page of yours, and the page sends them back with a
// code. [AuthorizationEndpoint] does what is between the two and is easily got wrong:
// it finds out where an answer may go, judges PKCE, scope and resource before your user
// logs in, and writes the answer with state and iss. The login, the consent page and
// the store are yours:
//
//	func (s *site) authorize(w http.ResponseWriter, r *http.Request) {
//		a, err := s.login.Read(r)
//		u := s.user(r) // of the session; nil if nobody is logged in
//		switch {
//		case err != nil:
//			s.login.Answer(w, r, nil, err)
//		case a.PromptNone && u == nil: // the client wants an answer without a page
//			s.login.Answer(w, r, nil, a.Refuse(grants.LoginRequired))
//		case a.PromptNone: // and this host asks its user each time
//			s.login.Answer(w, r, nil, a.Refuse(grants.ConsentRequired))
//		case u == nil:
//			http.Redirect(w, r, "/login?next="+url.QueryEscape("/authorize?"+a.Query()), http.StatusSeeOther)
//		default: // the form has a token against forgeries too
//			consent.Execute(w, consentPage{App: a.Client.ID, Scope: a.Scope, Action: "/consent?" + a.Query()})
//		}
//	}
//
//	// decide is POST /consent, the answer of the user, who is logged in.
//	func (s *site) decide(w http.ResponseWriter, r *http.Request) {
//		a, err := s.login.ReadQuery(r.Context(), r.URL.RawQuery)
//		if err == nil && r.PostFormValue("decision") != "allow" {
//			err = a.Refuse(grants.AccessDenied)
//		}
//		if err != nil {
//			s.login.Answer(w, r, nil, err)
//			return
//		}
//		u := s.user(r)
//		record, answer, err := a.Approve(grants.Approval{Subject: "user:" + u.ID, Scope: r.PostForm["granted"], AuthTime: u.LoginAt}, time.Now())
//		if err == nil { // an outage of the store goes to the client in place of the code
//			err = a.Refuse(s.store.CreateCredential(r.Context(), record))
//		}
//		s.login.Answer(w, r, answer, err)
//	}
//
// Hand the template a whole address, as Action is here. html/template escapes what a
// template puts behind the question mark of an address: action="/consent?{{.Query}}"
// would send the request in a form that ReadQuery refuses.
//
// The name AuthorizationEndpoint stands for three things. The field of
// tokenendpoint.Config is the address of your page, which clients learn of. The type
// here is the code behind that page. tokenendpoint.Handler.AuthorizationEndpoint makes
// the type from the configuration of the token endpoint; a page in another process makes
// it from its fields. A request that leads nowhere is shown to the user, by your Show. If
// your store is a database, the record goes into your own transaction (sqlstore has
// CreateCredentialTx, and CreateCredentialExec for pgx). examples/hostapp/authorize.go is
// a whole page, with login and consent.
//
// A page of another kind calls the parts itself: [MayRedirect] says whether it may
// answer to a redirect_uri, [AuthorizationRequest.Check] whether the request is right,
// [RequestedScope] which scope it asks for, and [NewAuthorizationCode] makes the code.
//
// # API keys
//
// [NewAPIKey] draws a key for a client and one of its users. Show the key once;
// the store keeps its digest. The client exchanges it with the grant api_key.
//
// Keys that you have handed out already, such as personal access tokens whose hashes
// stand in a table of yours, go on with [APIKey].Digest and a storage.APIKeys over that
// table. Example_personalTokens of package tokenendpoint is such a table, and takes keys of
// NewAPIKey beside it: its Digest tells the two kinds apart by [storage.Secret.WellFormed],
// and its storage.APIKeys asks the table first and then the store.
//
// # For package tokenendpoint alone
//
// Go has no other place for these, which package tokenendpoint calls. No host and no
// grant needs them: [Within], [Subset], [OmitOfflineAccess], [Request.Share],
// [Request.PresentAgain], [Request.UsedOnce], [APIKey.Shown], [Loggable].
package grants
