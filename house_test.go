package parley_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms is the import table: what of ours each room may import, and why no more.
// A room that needs another door is a change of the design, made here openly.
var rooms = []struct {
	room string
	may  []string
	why  string
}{
	{".", nil, "the top holds one file that others read"},
	{"events", nil, "the domain knows nobody: every rule can be read and tested without a server"},
	{"events/jetstream", []string{"events"}, "the door to NATS turns messages into events and decides nothing"},
	{"projections", []string{"events"}, "a projection is a function of events; rows are somebody else's"},
	{"projections/postgres", []string{"events", "projections", "migrations"}, "the door to PostgreSQL stores what projections computed, in the schema of migrations"},
	{"projections/recording", []string{"events"}, "the finalizer has rules only; it names the store it needs"},
	{"projections/erasure", []string{"events"}, "the eraser has rules only; it names the doors it needs"},
	{"projections/timekeeper", []string{"events"}, "the timekeeper has rules only"},
	{"projections/s3", []string{"events", "projections/recording", "projections/erasure"}, "the door to the store fulfils what these two ask for, in the domain's errors"},
	{"http", []string{"events", "projections", "http/realtime"}, "routes speak to the domain and to what cmd hands them, not to servers"},
	{"http/realtime", nil, "the provider's client could be anyone's"},
	{"http/realtime/partner", nil, "the partner is a provider of its own and shares no code with its client"},
	{"http/realtime/partner/voices", nil, "the generator of the partner's voices runs by itself, at our desks"},
	{"web", nil, "the page is files"},
	{"migrations", nil, "the schema is files"},
}

// doors are the modules that only some rooms may import, tests aside.
var doors = []struct {
	module string
	rooms  []string
	why    string
}{
	{"github.com/nats-io/nats-server/v2", []string{"cmd/parley/embedded"}, "servers are started in one place"},
	{"github.com/versity/versitygw", []string{"cmd/parley/embedded"}, "servers are started in one place"},
	{"github.com/nats-io/nats.go", []string{"events/jetstream", "cmd"}, "one door to NATS"},
	{"github.com/synadia-io/orbit.go", []string{"events/jetstream", "cmd/bench"}, "one door to NATS; the bench measures what lies behind it"},
	{"github.com/jackc/pgx/v5", []string{"projections/postgres", "cmd"}, "one door to PostgreSQL"},
	{"github.com/minio/minio-go/v7", []string{"projections/s3", "cmd"}, "one door to object storage"},
	{"github.com/go-chi/chi/v5", []string{"http"}, "routes live in one room"},
	{"github.com/coreos/go-oidc/v3", []string{"http"}, "who somebody is is asked at the web door"},
	{"golang.org/x/oauth2", []string{"http"}, "who somebody is is asked at the web door"},
	{"github.com/go-webauthn/webauthn", []string{"http"}, "who somebody is is asked at the web door"},
	{"github.com/danielgtaylor/huma/v2", []string{"http", "cmd"}, "the contract is made from the routes"},
}

// domainMay is all that the domain imports beside the standard library.
var domainMay = []string{"github.com/oklog/ulid/v2"}

// Limits that keep every file one story and every function on a screen or two.
const (
	mostFileLines     = 500
	mostFunctionLines = 89
)

// meaningless are names that say nothing about what is inside.
var meaningless = []string{"util", "utils", "common", "helper", "helpers", "shared", "misc", "manager", "base", "lib"}

// source is one Go file outside tests.
type source struct {
	room string // folder from the top, with slashes
	path string
	file *ast.File
	set  *token.FileSet
}

func TestImportTable(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports(t) {
			if ours, ok := strings.CutPrefix(imported, "parley/"); ok || imported == "parley" {
				checkRoom(t, s, ours)
				continue
			}
			checkDoor(t, s, imported)
		}
	}
}

// checkRoom holds an import of ours against the table. Commands may know
// everyone; rooms of test helpers may too, but nobody may know them.
func checkRoom(t *testing.T, s source, ours string) {
	t.Helper()
	if forTests(s.room) {
		return
	}
	if forTests(ours) {
		t.Errorf("%s imports %s, which is for tests", s.path, ours)
	}
	if inside(s.room, "cmd") {
		return
	}
	for _, r := range rooms {
		if r.room == s.room && !slices.Contains(r.may, ours) {
			t.Errorf("%s imports %s, but %s may import %v of ours: %s", s.path, ours, r.room, r.may, r.why)
		}
	}
}

func checkDoor(t *testing.T, s source, imported string) {
	t.Helper()
	if forTests(s.room) {
		return
	}
	for _, d := range doors {
		if !inside(imported, d.module) {
			continue
		}
		if !slices.ContainsFunc(d.rooms, func(room string) bool { return inside(s.room, room) }) {
			t.Errorf("%s imports %s, which is for %v: %s", s.path, imported, d.rooms, d.why)
		}
	}
	foreign := strings.Contains(strings.Split(imported, "/")[0], ".")
	if s.room == "events" && foreign && !slices.Contains(domainMay, imported) {
		t.Errorf("%s imports %s, but the domain imports only %v", s.path, imported, domainMay)
	}
}

func TestEveryRoomIsInTheTable(t *testing.T) {
	for _, s := range sources(t) {
		known := inside(s.room, "cmd") || forTests(s.room)
		for _, r := range rooms {
			known = known || r.room == s.room
		}
		if !known {
			t.Errorf("%s: the room %s is not in the import table; add it with its reason", s.path, s.room)
		}
	}
}

func TestPackagesAreDocumentedAndNamed(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[s.room] = documented[s.room] || s.file.Doc.Text() != ""
		if name := s.file.Name.Name; slices.Contains(meaningless, name) {
			t.Errorf("%s: a package named %s says nothing about what is inside", s.path, name)
		}
	}
	for room, yes := range documented {
		if !yes {
			t.Errorf("%s has no package comment", room)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if lines := s.set.File(s.file.Pos()).LineCount(); lines > mostFileLines {
			t.Errorf("%s has %d lines, %d are allowed: it tells more than one story", s.path, lines, mostFileLines)
		}
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			first, last := s.set.Position(function.Pos()).Line, s.set.Position(function.End()).Line
			if lines := last - first + 1; lines > mostFunctionLines {
				t.Errorf("%s: %s has %d lines, %d are allowed", s.path, function.Name.Name, lines, mostFunctionLines)
			}
		}
	}
}

// sources parses every Go file of ours that is not a test.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			return skip(name)
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		found = append(found, source{room: path.Dir(name), path: name, file: file, set: set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("there are no sources: the test looks in the wrong place")
	}
	return found
}

// skip leaves out what is not ours or not source.
func skip(folder string) error {
	name := path.Base(folder)
	hidden := strings.HasPrefix(name, ".") && name != "."
	if hidden || folder == "data" || folder == "bin" || name == "node_modules" || name == "testdata" {
		return fs.SkipDir
	}
	return nil
}

func (s source) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, i := range s.file.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}

// forTests tells whether a room is a package of test helpers.
func forTests(room string) bool { return strings.HasSuffix(room, "test") }

// inside tells whether a path is the folder or below it.
func inside(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
