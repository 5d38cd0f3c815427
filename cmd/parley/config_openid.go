package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"parley/http"
)

// openIDVariables name the provider that people may sign in with.
func openIDVariables() []variable {
	return []variable{
		{Name: "PARLEY_OIDC_ISSUER", set: text(func(c *Config) *string { return &c.OpenID.Issuer }, issuer),
			Meaning: "Address of an OpenID Connect provider to sign in with; its redirect address is PARLEY_PUBLIC_URL and " + http.OpenIDCallback},
		{Name: "PARLEY_OIDC_CLIENT_ID", set: text(func(c *Config) *string { return &c.OpenID.ClientID }, anything),
			Meaning: "What that provider calls Parley"},
		{Name: "PARLEY_OIDC_CLIENT_SECRET", set: setClientSecret, secret: true,
			Meaning: "Secret that it gave for that. Not set: PARLEY_OIDC_CLIENT_SECRET_FILE, or none"},
		{Name: "PARLEY_OIDC_CLIENT_SECRET_FILE", set: setClientSecretFile,
			Meaning: "File that holds that secret"},
	}
}

// issuer accepts the address of a provider: over TLS, or on this machine.
func issuer(text string) error {
	if err := address("https", "http")(text); err != nil {
		return err
	}
	at, err := url.Parse(text)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(at.Hostname()); at.Scheme == "http" && at.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("write a URL that begins with https://")
	}
	return nil
}

func setClientSecret(c *Config, given string) error {
	if c.OpenID.ClientSecret != "" {
		return fmt.Errorf("set PARLEY_OIDC_CLIENT_SECRET or PARLEY_OIDC_CLIENT_SECRET_FILE, not both")
	}
	c.OpenID.ClientSecret = given
	return nil
}

func setClientSecretFile(c *Config, path string) error {
	held, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("name a file that can be read: %w", err)
	}
	secret := strings.TrimSpace(string(held))
	if secret == "" {
		return fmt.Errorf("name a file that holds a secret; this one is empty")
	}
	return setClientSecret(c, secret)
}
