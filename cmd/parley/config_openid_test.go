package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpenIDConfig(t *testing.T) {
	secret, empty := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "empty")
	for path, text := range map[string]string{secret: "s3cret\n", empty: "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const at, client = "PARLEY_OIDC_ISSUER=https://login.example", "PARLEY_OIDC_CLIENT_ID=parley"
	for _, test := range []struct {
		name    string
		environ []string
		secret  string
		wrong   bool
	}{
		{"a public client", []string{at, client}, "", false},
		{"a secret", []string{at, client, "PARLEY_OIDC_CLIENT_SECRET=s"}, "s", false},
		{"a secret in a file", []string{at, client, "PARLEY_OIDC_CLIENT_SECRET_FILE=" + secret}, "s3cret", false},
		{"a provider of this machine", []string{"PARLEY_OIDC_ISSUER=http://127.0.0.1:9998", client}, "", false},
		{"a provider in the clear", []string{"PARLEY_OIDC_ISSUER=http://login.example", client}, "", true},
		{"no client", []string{at}, "", true},
		{"no provider", []string{client}, "", true},
		{"two secrets", []string{at, client, "PARLEY_OIDC_CLIENT_SECRET=s", "PARLEY_OIDC_CLIENT_SECRET_FILE=" + secret}, "", true},
		{"an empty file", []string{at, client, "PARLEY_OIDC_CLIENT_SECRET_FILE=" + empty}, "", true},
		{"no file", []string{at, client, "PARLEY_OIDC_CLIENT_SECRET_FILE=" + secret + "x"}, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := readConfig(test.environ)
			if (err != nil) != test.wrong || err == nil && c.OpenID.ClientSecret != test.secret {
				t.Fatalf("%+v, %v", c.OpenID, err)
			}
		})
	}
}
