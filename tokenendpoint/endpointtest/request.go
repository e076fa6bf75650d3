package endpointtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// request is a request in the making, to the token endpoint unless it says
// otherwise. Each method changes it and returns it.
type request struct {
	method string
	path   string
	query  string
	header http.Header
	params []string // names and values, in turn
	asJSON bool
	body   string // in place of params, if not empty
}

// form makes a POST of application/x-www-form-urlencoded with the parameters,
// names and values in turn.
func form(params ...string) *request {
	return &request{
		method: http.MethodPost,
		path:   path,
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		params: params,
	}
}

// rawForm makes one with the body as it is.
func rawForm(body string) *request {
	r := form()
	r.body = body
	return r
}

// rawJSON makes a POST of application/json with the body as it is.
func rawJSON(body string) *request {
	r := rawForm(body)
	r.header.Set("Content-Type", "application/json")
	return r
}

// clone copies a request, to be sent again or changed.
func (r *request) clone() *request {
	c := *r
	c.header = r.header.Clone()
	c.params = append([]string(nil), r.params...)
	return &c
}

// json makes the same request with a JSON body.
func (r *request) json() *request {
	c := r.clone()
	c.asJSON = true
	c.header.Set("Content-Type", "application/json")
	return c
}

// with adds parameters, names and values in turn. One that is there already is
// replaced; to repeat one, use and.
func (r *request) with(params ...string) *request {
	c := r.clone()
	for i := 0; i < len(params); i += 2 {
		c = c.without(params[i])
		c.params = append(c.params, params[i], params[i+1])
	}
	return c
}

// and adds parameters even if they are there already.
func (r *request) and(params ...string) *request {
	c := r.clone()
	c.params = append(c.params, params...)
	return c
}

// without removes parameters.
func (r *request) without(names ...string) *request {
	c := r.clone()
	c.params = nil
	for i := 0; i < len(r.params); i += 2 {
		drop := false
		for _, n := range names {
			drop = drop || n == r.params[i]
		}
		if !drop {
			c.params = append(c.params, r.params[i], r.params[i+1])
		}
	}
	return c
}

// to sends it to another endpoint.
func (r *request) to(path string) *request {
	c := r.clone()
	c.path = path
	return c
}

// set sets a header.
func (r *request) set(name, value string) *request {
	c := r.clone()
	c.header.Set(name, value)
	return c
}

// basic adds an Authorization header with form-encoded credentials.
func (r *request) basic(id, secret string) *request {
	return r.set("Authorization", "Basic "+basic64(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// by authenticates as p: by Basic if it has a secret, else by client_id.
func (r *request) by(p *party) *request {
	if p.secret == "" {
		return r.with("client_id", p.id)
	}
	return r.basic(p.id, p.secret)
}

func basic64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// text is the body as it is sent.
func (r *request) text() string {
	if r.body != "" {
		return r.body
	}
	var b strings.Builder
	for i := 0; i < len(r.params); i += 2 {
		name, value := r.params[i], r.params[i+1]
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

// clientCredentials, redeem, refresh and presentKey are the requests CC, AC, RF
// and KEY of the specification.
func clientCredentials(p *party) *request { return form("grant_type", "client_credentials").by(p) }

func (f *fixture) redeem(p *party, code string) *request {
	return form("grant_type", "authorization_code", "code", code, "redirect_uri", p.redirectURI, "code_verifier", verifier).by(p)
}

func refresh(p *party, token string) *request {
	return form("grant_type", "refresh_token", "refresh_token", token).by(p)
}

// revoke and introspect are requests about a token.
func revoke(p *party, token string) *request {
	return form("token", token).by(p).to(revocationPath)
}

func introspect(p *party, token string) *request {
	return form("token", token).by(p).to(introspectionPath)
}

func presentKey(p *party, key string) *request {
	return form("grant_type", "api_key", "client_id", p.id, "api_key", key)
}
