// Package swagger shows the OpenAPI document of the endpoint in Swagger UI, for a host
// that shows its own API there too. The files of Swagger UI are in the program: a
// browser fetches nothing from elsewhere.
package swagger

import (
	"net/http"

	"github.com/swaggest/swgui/v5emb"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// Mount serves the document at /openapi.json and Swagger UI below /swagger/, beside the
// other routes of the mux.
func Mount(mux *http.ServeMux, endpoint *tokenendpoint.Handler) error {
	info := reference.Info{
		Title:  "Sign in with Example",
		Scopes: map[string]string{"read": "See your orders.", "write": "Change your orders."},
	}
	document, err := reference.OpenAPIHandler(endpoint.Describe(), info)
	if err != nil {
		return err
	}
	mux.Handle("/openapi.json", document)
	mux.Handle("/swagger/", v5emb.New(info.Title, "/openapi.json", "/swagger/"))
	return nil
}
