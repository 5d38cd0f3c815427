package partner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

// What a Config means where it is silent.
const (
	DefaultUDPAddr   = "127.0.0.1:0"
	DefaultCallLimit = time.Hour
	DefaultMaxCalls  = 100
)

// Config sets a partner up. Key, Now, Random and Logger must be given.
type Config struct {
	// Key is the standing key: it mints tokens and hangs calls up.
	Key string
	// AllowedOrigin is the origin of the page that may open calls, as
	// "http://127.0.0.1:8080". Empty: no page of another origin may.
	AllowedOrigin string
	// UDPAddr is the one address for the sound of all calls.
	// Default: DefaultUDPAddr, a free port on loopback.
	UDPAddr string
	// CallLimit is when a call ends by itself. Default: DefaultCallLimit.
	CallLimit time.Duration
	// MaxCalls is how many run at once; one more is refused with 429.
	// Default: DefaultMaxCalls.
	MaxCalls int
	// Faults hold from the start. They are for tests.
	Faults Faults
	// Rehearsal lets holders of the key change the faults of what is minted
	// from then on. For tests; without it that route is not there.
	Rehearsal bool
	// Now tells the time, for the expiry of tokens and calls.
	Now func() time.Time
	// Random is where tokens and ids come from; it must be safe for
	// concurrent use, as crypto/rand.Reader is.
	Random io.Reader
	// Logger takes what an operator may want to know. No words, no secrets.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.UDPAddr == "" {
		c.UDPAddr = DefaultUDPAddr
	}
	if c.CallLimit == 0 {
		c.CallLimit = DefaultCallLimit
	}
	if c.MaxCalls == 0 {
		c.MaxCalls = DefaultMaxCalls
	}
	return c
}

// Partner is one partner with its calls.
type Partner struct {
	config Config
	tokens tokens

	library library
	api     *webrtc.API
	mux     io.Closer // owns the line
	line    *line
	stop    context.CancelFunc
	context context.Context // of all calls, from Open to Close
	running sync.WaitGroup

	mu     sync.Mutex
	calls  map[string]*call
	faults Faults
	minted int // since the faults were set
	closed bool
}

// New makes a partner. Nothing runs before Open.
func New(config Config) *Partner {
	return &Partner{config: config.withDefaults(), calls: map[string]*call{}, faults: config.Faults}
}

// Open loads the prepared lines and listens for sound. Calls live until Close
// or until ctx ends. Fails when the address is taken.
func (p *Partner) Open(ctx context.Context) error {
	var err error
	if p.library, err = loadLibrary(); err != nil {
		return err
	}
	var listen net.ListenConfig
	socket, err := listen.ListenPacket(ctx, "udp4", p.config.UDPAddr)
	if err != nil {
		return fmt.Errorf("partner: listen for sound on %s: %w", p.config.UDPAddr, err)
	}
	log := pionLog{p.config.Logger}
	p.line = &line{PacketConn: socket, cut: map[string]bool{}}
	mux := webrtc.NewICEUDPMux(log.NewLogger("udpmux"), p.line)
	if p.api, err = newAPI(mux, log); err != nil {
		return errors.Join(err, mux.Close())
	}
	p.mux = mux
	p.context, p.stop = context.WithCancel(ctx)
	return nil
}

// Close ends all calls and returns when they are down. Closing twice, or what
// was never opened, is no error.
func (p *Partner) Close() error {
	if p.stop == nil {
		return nil
	}
	p.stop()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.running.Wait()
	if err := p.mux.Close(); err != nil {
		return fmt.Errorf("partner: close the socket: %w", err)
	}
	return nil
}

// newAPI sets WebRTC up for Opus alone, over one socket, loopback included.
func newAPI(mux ice.UDPMux, log pionLog) (*webrtc.API, error) {
	media, interceptors := &webrtc.MediaEngine{}, &interceptor.Registry{}
	err := media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: opusCapability(), PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, fmt.Errorf("partner: register Opus: %w", err)
	}
	if err := webrtc.ConfigureRTCPReports(interceptors); err != nil {
		return nil, fmt.Errorf("partner: set up reports: %w", err)
	}
	settings := webrtc.SettingEngine{LoggerFactory: log}
	settings.SetICEUDPMux(mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(settings)), nil
}

func opusCapability() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: rtpRate, Channels: 2,
		SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
}

// admit registers a call, which must then run, unless there are too many.
func (p *Partner) admit(c *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.calls) >= p.config.MaxCalls {
		return false
	}
	p.running.Add(1)
	p.calls[c.id] = c
	return true
}

// take removes a call; false: it is not there (any more).
func (p *Partner) take(id string) (*call, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, found := p.calls[id]
	delete(p.calls, id)
	return c, found
}
