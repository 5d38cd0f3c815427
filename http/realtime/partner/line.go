package partner

import (
	"net"
	"sync"
)

// line is the socket of all calls, on which single ends can be cut off: their
// packets are lost both ways, and nobody is told.
type line struct {
	net.PacketConn
	mu  sync.Mutex
	cut map[string]bool // by address
}

// sever loses the packets of these addresses from now on.
func (l *line) sever(addresses []string) { l.set(addresses, true) }

// mend lets them through again.
func (l *line) mend(addresses []string) { l.set(addresses, false) }

func (l *line) set(addresses []string, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, address := range addresses {
		if delete(l.cut, address); cut {
			l.cut[address] = true
		}
	}
}

func (l *line) lost(address net.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.cut) > 0 && address != nil && l.cut[address.String()]
}

// ReadFrom gives the next packet of an end that is not cut off.
func (l *line) ReadFrom(packet []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.PacketConn.ReadFrom(packet)
		if err != nil || !l.lost(from) {
			return n, from, err
		}
	}
}

// WriteTo sends a packet, or loses it.
func (l *line) WriteTo(packet []byte, to net.Addr) (int, error) {
	if l.lost(to) {
		return len(packet), nil
	}
	return l.PacketConn.WriteTo(packet, to)
}
