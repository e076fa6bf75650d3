package testbed

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Request is a request in the making, to the token endpoint unless it says
// otherwise. Each method changes it and returns it.
type Request struct {
	Method string
	path   string
	Query  string
	Header http.Header
	Params []string // names and values, in turn
	asJSON bool
	Body   string // in place of params, if not empty
}

// Form makes a POST of application/x-www-form-urlencoded with the parameters,
// names and values in turn.
func Form(params ...string) *Request {
	return &Request{
		Method: http.MethodPost,
		path:   TokenPath,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		Params: params,
	}
}

// rawForm makes one with the body as it is.
func rawForm(body string) *Request {
	r := Form()
	r.Body = body
	return r
}

// RawJSON makes a POST of application/json with the body as it is.
func RawJSON(body string) *Request {
	r := rawForm(body)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// Clone copies a request, to be sent again or changed.
func (r *Request) Clone() *Request {
	c := *r
	c.Header = r.Header.Clone()
	c.Params = append([]string(nil), r.Params...)
	return &c
}

// JSON makes the same request with a JSON body.
func (r *Request) JSON() *Request {
	c := r.Clone()
	c.asJSON = true
	c.Header.Set("Content-Type", "application/json")
	return c
}

// With adds parameters, names and values in turn. One that is there already is
// replaced; to repeat one, use and.
func (r *Request) With(params ...string) *Request {
	c := r.Clone()
	for i := 0; i < len(params); i += 2 {
		c = c.Without(params[i])
		c.Params = append(c.Params, params[i], params[i+1])
	}
	return c
}

// And adds parameters even if they are there already.
func (r *Request) And(params ...string) *Request {
	c := r.Clone()
	c.Params = append(c.Params, params...)
	return c
}

// Without removes parameters.
func (r *Request) Without(names ...string) *Request {
	c := r.Clone()
	c.Params = nil
	for i := 0; i < len(r.Params); i += 2 {
		drop := false
		for _, n := range names {
			drop = drop || n == r.Params[i]
		}
		if !drop {
			c.Params = append(c.Params, r.Params[i], r.Params[i+1])
		}
	}
	return c
}

// To sends it to another endpoint.
func (r *Request) To(path string) *Request {
	c := r.Clone()
	c.path = path
	return c
}

// Set sets a header.
func (r *Request) Set(name, value string) *Request {
	c := r.Clone()
	c.Header.Set(name, value)
	return c
}

// Basic adds an Authorization header with form-encoded credentials.
func (r *Request) Basic(id, secret string) *Request {
	return r.Set("Authorization", "Basic "+Basic64(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// By authenticates as p: by Basic if it has a secret, else by client_id.
func (r *Request) By(p *Party) *Request {
	if p.Secret == "" {
		return r.With("client_id", p.ID)
	}
	return r.Basic(p.ID, p.Secret)
}

// Basic64 is s in base64, with padding.
func Basic64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// Text is the body as it is sent.
func (r *Request) Text() string {
	if r.Body != "" {
		return r.Body
	}
	var b strings.Builder
	for i := 0; i < len(r.Params); i += 2 {
		name, value := r.Params[i], r.Params[i+1]
		if r.asJSON {
			n, _ := json.Marshal(name)
			v, _ := json.Marshal(value)
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			b.Write(n)
			b.WriteByte(':')
			b.Write(v)
			continue
		}
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(value))
	}
	if r.asJSON {
		if b.Len() == 0 {
			return "{}"
		}
		b.WriteByte('}')
	}
	return b.String()
}

// ClientCredentials is the request CC of the specification; AC, RF and KEY follow.
func ClientCredentials(p *Party) *Request { return Form("grant_type", "client_credentials").By(p) }

// Redeem is the request that redeems a code of p.
func (f *Fixture) Redeem(p *Party, code string) *Request {
	return Form("grant_type", "authorization_code", "code", code, "redirect_uri", p.RedirectURI, "code_verifier", Verifier).By(p)
}

// Refresh is the request that uses a refresh token of p.
func Refresh(p *Party, token string) *Request {
	return Form("grant_type", "refresh_token", "refresh_token", token).By(p)
}

// Revoke is the request by which p ends a token.
func Revoke(p *Party, token string) *Request {
	return Form("token", token).By(p).To(RevocationPath)
}

// Introspect is the request by which p asks for a token.
func Introspect(p *Party, token string) *Request {
	return Form("token", token).By(p).To(IntrospectionPath)
}

// PresentKey is the request that presents an API key of p.
func PresentKey(p *Party, key string) *Request {
	return Form("grant_type", "api_key", "client_id", p.ID, "api_key", key)
}
