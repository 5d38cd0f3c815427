package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"time"

	"parley/http"
)

// openapi prints the HTTP contract, from the handlers' own types; the page's
// types are generated from it. It needs no server.
func openapi(_ context.Context, t terminal, _ []string) error {
	public := &url.URL{Scheme: "http", Host: "127.0.0.1:8787"}
	door := http.New(http.Config{PublicURL: public, Version: "1"}, http.Doors{Now: time.Now}, slog.New(slog.DiscardHandler), "")
	out := json.NewEncoder(t.out)
	out.SetIndent("", "  ")
	return out.Encode(door.OpenAPI())
}
