// Package migrations holds the SQL that makes and changes the tables of the
// read models. Files are numbered, only go forward, and are never edited once
// released: their checksums are kept beside the tables.
//
// Names in them carry no schema: they are applied with a search_path of one
// numbered schema (parley_v1), so that a rebuild can make the same tables in
// another schema beside the live one.
package migrations

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
)

//go:embed *.sql
var files embed.FS

// Migration is one step.
type Migration struct {
	Name     string // file name; names sort in the order of application
	SQL      string
	Checksum string // SHA-256 of SQL, hex
}

// All gives the migrations in order. Errors: only those of a broken binary.
func All() ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	all := make([]Migration, 0, len(names))
	for _, name := range names {
		sql, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(sql)
		all = append(all, Migration{name, string(sql), hex.EncodeToString(sum[:])})
	}
	return all, nil
}
