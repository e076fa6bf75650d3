// Package reference serves the reference of a token endpoint under the host's name: a
// page for the authors of clients, on which they can read the answers of the endpoint,
// send requests, and log in step by step.
//
//	docs, err := reference.New(reference.Config{
//		Description: endpoint.Describe(),
//		Title:       "Example API",
//		Scopes:      []reference.Scope{{Name: "read", Description: "Read your orders."}},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("/docs", docs)
//	mux.Handle("/docs/", docs)
//
// Routers other than ServeMux want a wildcard for the paths below: with chi it is
// router.Handle("/docs", docs) and router.Handle("/docs/*", docs). examples/frameworks
// mounts the page under chi, gin, echo and fiber.
//
// Everything on the page follows from the endpoint's configuration: the grants, those of
// the host too if they are a [grants.Describer], their parameters, the ways in which a
// client shows who it is, the lifetimes, the addresses.
//
// # What it serves
//
// Below Config.Path, /docs by default:
//
//	/docs                  the page
//	/docs/errors/CODE      what an error code means, and what the author of a client should
//	                       do: a page for each. If the ErrorURI of the endpoint
//	                       is the address of /docs, each error names its page
//	/docs/reference.md     the page as Markdown
//	/docs/openapi.json     the endpoint in OpenAPI 3.1, for tools: see [OpenAPI]
//	/docs/llms.txt         a short account of the endpoint for programs
//	/docs/callback         where the login of the playground comes back to
//
// The page is complete without JavaScript, but for the two parts that send requests. It
// is made once, by [New]; a request costs a look-up in a map.
//
// # What the page does not do
//
// The page fetches nothing from elsewhere, and its Content-Security-Policy lets it talk to
// the addresses of the endpoint alone: default-src 'none', no inline script, no inline
// style, in no frame. Scripts and styles come from 'self': the exact address would need
// the name under which a browser knows the host, and a proxy can give it several.
//
// A text that a reader types stays in the memory of the page and goes into the request. It is
// not in an address, not in any storage of the browser, not in a log. The playground opens
// the login page in a window of its own, so the PKCE verifier stays in memory too and
// needs no sessionStorage: the window comes back to /docs/callback, hands the answer over
// by a BroadcastChannel, which only pages of this origin can read, takes the code out of
// its address, and closes. A code alone is worth nothing: the verifier does not leave
// the page that drew it.
//
// The fields for secrets are not of the type password, so that no browser offers to keep
// what is typed, or fills in what it keeps for the host's own login.
//
// # The playground
//
// The playground needs a client of its own: a public one (storage.AuthNone) with the grants
// authorization_code and refresh_token and the redirect URI /docs/callback. It logs in
// through the host's own login page, so a reader gets tokens for their own account.
//
// If the page has another origin than the endpoint, add it to the endpoint's
// AllowedOrigins. Introspection is for servers, and no page of another origin can read
// its answers.
//
// # Other languages
//
// [Texts] returns every text. A host hands a translation over as Config.Texts, with its
// Config.Language. Languages that are written from right to left turn the page around.
package reference
