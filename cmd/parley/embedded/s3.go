package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// s3Region is what the gateway answers to; signatures contain it.
const s3Region = "us-east-1"

// S3 is the object store's gateway, in this process. There can be one in a
// process at a time: the library keeps state for the process, and its file
// backend moves the current directory.
type S3 struct {
	folder *Folder
	origin string
	failed func(error)

	before string // the current directory to return to
	cancel context.CancelFunc
	done   chan struct{}
	err    error // why the gateway ended; read after done
}

// newS3 makes a gateway whose CORS answers let pages of origin in. Failed hears
// of an end that nobody asked for.
func newS3(folder *Folder, origin string, failed func(error)) *S3 {
	return &S3{folder: folder, origin: origin, failed: failed}
}

func (s *S3) reserve(context.Context) error {
	if s.cancel != nil {
		return nil
	}
	return s.folder.kept.S3.choosePort()
}

// start returns once the gateway accepts requests.
func (s *S3) start(ctx context.Context) error {
	if s.cancel != nil {
		return nil
	}
	store, err := s.openStore()
	if err != nil {
		return fmt.Errorf("start s3 gateway: %w", err)
	}
	ready := make(chan struct{})
	s.run(context.WithoutCancel(ctx), store, ready)
	select {
	case <-ready:
		return nil
	case <-s.done:
		return errors.Join(fmt.Errorf("start s3 gateway: %w", s.err), s.stop(ctx))
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("start s3 gateway: %w", ctx.Err()), s.stop(context.WithoutCancel(ctx)))
	}
}

// openStore keeps object metadata in files: not every file system has extended
// attributes, and not every backup takes them along.
func (s *S3) openStore() (*durable, error) {
	before, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	objects := filepath.Join(s.folder.path, "s3", "objects")
	metadata := filepath.Join(s.folder.path, "s3", "metadata")
	for _, dir := range []string{filepath.Dir(objects), objects, metadata} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	sidecar, err := meta.NewSideCar(metadata)
	if err != nil {
		return nil, err
	}
	options := posix.PosixOpts{IOBufferSize: 256 << 10}
	options.SetNewDirPerm(0o700)
	options.SetNewFilePerm(0o600)
	store, err := posix.New(objects, sidecar, options)
	if err != nil {
		return nil, err
	}
	s.before = before
	return newDurable(store, objects)
}

// run starts the gateway; it ends when cancelled or by itself, and closes done.
func (s *S3) run(ctx context.Context, store *durable, ready chan<- struct{}) {
	ctx, s.cancel = context.WithCancel(ctx)
	s.done = make(chan struct{})
	mine := s.folder.kept.S3
	config := &embedgw.Config{
		RootUserAccess:    mine.User,
		RootUserSecret:    mine.Password,
		IAMService:        auth.NewIAMServiceSingle(auth.Account{Access: mine.User, Secret: mine.Password, Role: auth.RoleAdmin}),
		Region:            s3Region,
		Ports:             []string{loopback(mine.Port)},
		MaxConnections:    512,
		MaxRequests:       256,
		MultipartMaxParts: 10_000,
		CORSAllowOrigin:   s.origin,
		KeepAlive:         true,
		Quiet:             true,
		S3Options:         []s3api.Option{s3api.WithOnListen(func() { close(ready) })},
	}
	go func() {
		defer close(s.done)
		s.err = embedgw.RunVersityGW(ctx, store, config)
		if ctx.Err() == nil {
			s.failed(fmt.Errorf("s3 gateway ended: %v", s.err))
		}
	}()
}

// stop lets running requests end and blocks until the gateway is down, or ctx ends.
func (s *S3) stop(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	select {
	case <-s.done:
		s.cancel = nil
		return os.Chdir(s.before)
	case <-ctx.Done():
		return fmt.Errorf("stop s3 gateway: %w", ctx.Err())
	}
}

func (s *S3) connection() *S3Connection {
	mine := s.folder.kept.S3
	return &S3Connection{
		Endpoint:  "http://" + loopback(mine.Port),
		Region:    s3Region,
		AccessKey: mine.User,
		SecretKey: mine.Password,
	}
}
