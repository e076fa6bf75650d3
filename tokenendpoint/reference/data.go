package reference

import (
	"slices"
	"strings"
	"time"
)

// data is the knowledge of the scripts of the page. It stands in the page as JSON.
type data struct {
	URL           string            `json:"url"`
	Revocation    string            `json:"revocation"`
	Introspection string            `json:"introspection"`
	JWKS          string            `json:"jwks"`
	Issuer        string            `json:"issuer"`
	Authorization string            `json:"authorization"`
	Errors        string            `json:"errors"` // the path of the pages of errors
	Codes         []string          `json:"codes"`
	Grace         int64             `json:"grace"` // seconds
	Grants        []dataGrant       `json:"grants"`
	Languages     []dataLanguage    `json:"languages"`
	Templates     map[string]string `json:"templates"`
	Prefill       map[string]string `json:"prefill"`
	Playground    *dataPlayground   `json:"playground"`
	Texts         map[string]string `json:"texts"`
}

type (
	dataGrant struct {
		Type       string          `json:"type"`
		Parameters []dataParameter `json:"parameters"`
	}
	dataParameter struct {
		Name        string `json:"name"`
		Required    bool   `json:"required"`
		Secret      bool   `json:"secret"`
		Sample      string `json:"sample"`
		Description string `json:"description"`
	}
	dataLanguage struct {
		ID    string `json:"id"`
		Label string `json:"label"`
	}
	dataPlayground struct {
		ClientID    string `json:"clientID"`
		RedirectURI string `json:"redirectURI"`
		Scope       string `json:"scope"`
	}
)

// data hands the scripts the parts of the view that they need.
func (v *view) data(c Config, templates map[string]string) data {
	d := c.Description
	all := data{
		URL: d.Token, Revocation: d.Revocation, Introspection: d.Introspection, JWKS: d.JWKS,
		Issuer: d.Issuer, Authorization: d.Authorization, Errors: c.Path + "/errors/",
		Grace: int64(d.RefreshGrace / time.Second), Templates: templates,
		Prefill: c.Prefill, Texts: make(map[string]string),
	}
	for _, e := range v.Errors {
		all.Codes = append(all.Codes, e.Code)
	}
	for _, l := range languages {
		all.Languages = append(all.Languages, dataLanguage(l))
	}
	for _, g := range v.Grants {
		one := dataGrant{Type: g.Type}
		for _, p := range slices.Concat(g.Parameters[:3], g.asserted, g.Parameters[3:]) {
			one.Parameters = append(one.Parameters, dataParameter{p.Name, p.Need == "required", p.Secret, p.Sample, p.Description})
		}
		all.Grants = append(all.Grants, one)
	}
	if c.Playground.ClientID != "" {
		all.Playground = &dataPlayground{c.Playground.ClientID, c.Playground.RedirectURI, c.Playground.Scope}
	}
	for name, text := range v.texts {
		if strings.HasPrefix(name, "js.") || strings.HasPrefix(name, "claim.") {
			all.Texts[name] = text
		}
	}
	return all
}
