// Package web holds the page that learners see: a Svelte application whose
// sources lie beside this file and whose build lies in dist, embedded into the
// binary. Every text asset of a build has a .br and a .gz neighbour.
//
// Without a build (npm run build) the package still compiles; Dist then has no
// index.html.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is the built page, index.html at its root.
func Dist() fs.FS {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return built
}
