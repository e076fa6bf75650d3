package sqlstore

import (
	"time"

	"github.com/contit/oauth/storage"
)

// credentialColumns are the columns of a new credential except its family,
// which a spend takes from the parent. recordNames adds the store's own
// columns.
var credentialColumns = columns[storage.Credential]{
	digestColumn("digest", func(c *storage.Credential) *storage.Digest { return &c.Digest }),
	identifierColumn("kind", func(c *storage.Credential) *string { return &c.Kind }),
	identifierColumn("issuer", func(c *storage.Credential) *string { return &c.Issuer }),
	identifierColumn("client_id", func(c *storage.Credential) *string { return &c.ClientID }),
	identifierColumn("subject", func(c *storage.Credential) *string { return &c.Subject }),
	listColumn("scope", func(c *storage.Credential) *[]string { return &c.Scope }),
	listColumn("audience", func(c *storage.Credential) *[]string { return &c.Audience }),
	blobColumn("claims", func(c *storage.Credential) *[]byte { return &c.Claims }),
	digestColumn("api_key", func(c *storage.Credential) *storage.Digest { return &c.APIKey }),
	textColumn("redirect_uri", func(c *storage.Credential) *string { return &c.RedirectURI }),
	identifierColumn("pkce", func(c *storage.Credential) *string { return &c.PKCE }),
	textColumn("challenge", func(c *storage.Credential) *string { return &c.Challenge }),
	instantColumn("issued_at", func(c *storage.Credential) *time.Time { return &c.IssuedAt }),
	instantColumn("expires_at", func(c *storage.Credential) *time.Time { return &c.ExpiresAt }),
	instantColumn("family_expires_at", func(c *storage.Credential) *time.Time { return &c.FamilyExpiresAt }),
	numberColumn("max_uses", func(c *storage.Credential) *int { return &c.MaxUses }),
}

// clientColumns are the columns of a client, the ID first.
var clientColumns = columns[storage.Client]{
	identifierColumn("id", func(c *storage.Client) *string { return &c.ID }),
	identifierColumn("auth_method", func(c *storage.Client) *string { return &c.AuthMethod }),
	flagColumn("disabled", func(c *storage.Client) *bool { return &c.Disabled }),
	listColumn("grant_types", func(c *storage.Client) *[]string { return &c.GrantTypes }),
	listColumn("scope", func(c *storage.Client) *[]string { return &c.Scope }),
	listColumn("default_scope", func(c *storage.Client) *[]string { return &c.DefaultScope }),
	listColumn("audience", func(c *storage.Client) *[]string { return &c.Audience }),
	listColumn("redirect_uris", func(c *storage.Client) *[]string { return &c.RedirectURIs }),
	flagColumn("pkce_not_required", func(c *storage.Client) *bool { return &c.PKCENotRequired }),
	flagColumn("refresh_not_rotated", func(c *storage.Client) *bool { return &c.RefreshNotRotated }),
	flagColumn("basic_not_encoded", func(c *storage.Client) *bool { return &c.BasicNotEncoded }),
	durationColumn("access_token_lifetime", func(c *storage.Client) *time.Duration { return &c.AccessTokenLifetime }),
	durationColumn("refresh_token_lifetime", func(c *storage.Client) *time.Duration { return &c.RefreshTokenLifetime }),
	durationColumn("refresh_token_idle", func(c *storage.Client) *time.Duration { return &c.RefreshTokenIdle }),
	durationColumn("refresh_grace", func(c *storage.Client) *time.Duration { return &c.RefreshGrace }),
	assertionColumn("assertion", func(c *storage.Client) *storage.ClientAssertion { return &c.Assertion }),
	certificateColumn("certificate", func(c *storage.Client) *storage.ClientCertificate { return &c.Certificate }),
}

var apiKeyColumns = columns[storage.APIKey]{
	digestColumn("digest", func(k *storage.APIKey) *storage.Digest { return &k.Digest }),
	identifierColumn("id", func(k *storage.APIKey) *string { return &k.ID }),
	identifierColumn("name", func(k *storage.APIKey) *string { return &k.Name }),
	identifierColumn("client_id", func(k *storage.APIKey) *string { return &k.ClientID }),
	identifierColumn("subject", func(k *storage.APIKey) *string { return &k.Subject }),
	listColumn("scope", func(k *storage.APIKey) *[]string { return &k.Scope }),
	listColumn("audience", func(k *storage.APIKey) *[]string { return &k.Audience }),
	instantColumn("created_at", func(k *storage.APIKey) *time.Time { return &k.CreatedAt }),
	instantColumn("expires_at", func(k *storage.APIKey) *time.Time { return &k.ExpiresAt }),
	instantColumn("revoked_at", func(k *storage.APIKey) *time.Time { return &k.RevokedAt }),
}
