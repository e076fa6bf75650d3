package grants

// Describer is a [Grant] that tells the authors of clients how to ask for it. The
// endpoint's reference page and its OpenAPI document are made from the answer. The
// grants of this package are Describers; a host's own grant that is none is listed
// by its name alone. Describe is called once, when the endpoint is made.
type Describer interface {
	Grant
	Describe() Description
}

// Description describes a grant to the authors of clients. Its texts are plain
// text, not markup.
type Description struct {
	// Summary is one sentence: what a client gets by this grant, and for what it
	// shows.
	Summary string
	// Parameters are those that the grant reads beside grant_type, client_id,
	// client_secret, scope and resource, which the endpoint reads for every grant.
	Parameters []Parameter
	// ClientAuthentication is how the client shows who it is.
	ClientAuthentication ClientAuthentication
	// Refresh says that the answer may have a refresh_token.
	Refresh bool
}

// Parameter is a parameter of a token request.
type Parameter struct {
	// Name is the name of the parameter, such as code_verifier.
	Name string
	// Description is one sentence about its value.
	Description string
	// Required says that a request without it is refused.
	Required bool
	// Secret says that the value must not be seen by others, so that a page hides it.
	Secret bool
	// Header is a request header that serves in place of the parameter, or empty.
	Header string
}

// ClientAuthentication says how the client of a grant shows who it is.
type ClientAuthentication string

// The ways in which a client shows who it is.
const (
	// AsRegistered is the zero value: client_id, and the secret of a client that has
	// one.
	AsRegistered ClientAuthentication = ""
	// SecretRequired is for clients with a secret alone.
	SecretRequired ClientAuthentication = "secret"
	// CredentialSuffices means that the grant's own credential stands for the secret:
	// client_id alone is enough.
	CredentialSuffices ClientAuthentication = "credential"
	// ClientIDOptional means that the credential names the client too.
	ClientIDOptional ClientAuthentication = "optional"
)

var (
	_ Describer = ClientCredentials{}
	_ Describer = RefreshToken{}
	_ Describer = AuthorizationCode{}
	_ Describer = APIKey{}
)

// Describe implements [Describer].
func (g ClientCredentials) Describe() Description {
	return Description{
		Summary:              "A client that acts for itself gets an access token for its secret.",
		ClientAuthentication: SecretRequired,
		Refresh:              g.Refresh,
	}
}

// Describe implements [Describer].
func (g RefreshToken) Describe() Description {
	return Description{
		Summary: "A client gets a new access token, and the next refresh token, for the refresh token that it has.",
		Parameters: []Parameter{
			{Name: "refresh_token", Description: "The refresh token of the last answer.", Required: true, Secret: true},
		},
		Refresh: true,
	}
}

// Describe implements [Describer].
func (g AuthorizationCode) Describe() Description {
	return Description{
		Summary: "A client gets tokens for the code that the user's browser brought back from the login page.",
		Parameters: []Parameter{
			{Name: "code", Description: "The authorization code. It can be redeemed once, within a minute or so.", Required: true, Secret: true},
			{Name: "redirect_uri", Description: "The redirect_uri of the authorization request, if it had one: the same string."},
			{Name: "code_verifier", Description: "The secret from which the client computed the code_challenge (RFC 7636). It is required if the authorization request had a code_challenge: always for a public client.", Secret: true},
		},
		Refresh: true,
	}
}

// Describe implements [Describer].
func (g APIKey) Describe() Description {
	d := Description{
		Summary: "A client gets an access token for an API key.",
		Parameters: []Parameter{
			{Name: "api_key", Description: "The API key.", Required: true, Secret: true, Header: "X-Api-Key"},
		},
		ClientAuthentication: CredentialSuffices,
		Refresh:              g.Refresh,
	}
	switch {
	case g.RequireClientAuthentication:
		d.ClientAuthentication = AsRegistered
	case g.ClientIDOptional:
		d.ClientAuthentication = ClientIDOptional
	}
	return d
}
