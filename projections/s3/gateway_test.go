package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// endpoint is the real gateway that all tests of this binary share: the library
// allows one in a process.
var endpoint string

// home is this package's folder: the gateway moves the current directory.
var home string

const (
	accessKey = "parley"
	secretKey = "a secret of the tests"
)

func TestMain(m *testing.M) {
	code, err := withGateway(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "s3 gateway:", err)
		code = 1
	}
	os.Exit(code)
}

// withGateway runs the tests while the gateway serves.
func withGateway(run func() int) (code int, err error) {
	if home, err = os.Getwd(); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "parley-s3-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := openBackend(dir)
	if err != nil {
		return 1, err
	}
	address, err := freeAddress()
	if err != nil {
		return 1, err
	}
	endpoint = "http://" + address

	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- embedgw.RunVersityGW(ctx, store, &embedgw.Config{
			RootUserAccess: accessKey, RootUserSecret: secretKey,
			Ports:          []string{address},
			MaxConnections: 64, MaxRequests: 64, MultipartMaxParts: 100,
			KeepAlive: true, Quiet: true,
			S3Options: []s3api.Option{s3api.WithOnListen(func() { close(ready) })},
		})
	}()
	select {
	case <-ready:
	case err := <-done:
		stop()
		return 1, err
	}
	code = run()
	stop()
	return code, <-done
}

// openBackend keeps objects, versions and metadata in folders of their own.
func openBackend(dir string) (*posix.Posix, error) {
	for _, name := range []string{"objects", "versions", "metadata"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	sidecar, err := meta.NewSideCar(filepath.Join(dir, "metadata"))
	if err != nil {
		return nil, err
	}
	return posix.New(filepath.Join(dir, "objects"), sidecar, posix.PosixOpts{
		VersioningDir: filepath.Join(dir, "versions"),
	})
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
