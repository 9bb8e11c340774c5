package main

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// member is one candidate.
type member struct {
	config leaderelection.LeaderElectionConfig
	// When it began to lead, in microseconds since 1970: client-go has no fencing token, and this is a number
	// that grows, since all members are on one machine. Zero while it does not lead.
	leadsSince atomic.Int64
	// Ends the turn that it takes part in.
	handOver atomic.Pointer[context.CancelFunc]
}

// newMember makes a member with a connection of its own, as a member in a pod of its own would have.
func newMember(config *rest.Config, settings settings, place place) (*member, error) {
	own := rest.CopyConfig(config)
	// Configurations with different dialers share no connection.
	own.Dial = (&net.Dialer{}).DialContext
	client, err := kubernetes.NewForConfig(own)
	if err != nil {
		return nil, err
	}
	one := &member{}
	one.config = leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: settings.namespace, Name: place.lease},
			Client:    client.CoordinationV1(),
			// As Kubernetes itself does it: who starts again is somebody else.
			LockConfig: resourcelock.ResourceLockConfig{Identity: place.pod + "_" + string(uuid.NewUUID())},
		},
		// The defaults' proportions: 15 s, 10 s and 2 s.
		LeaseDuration:   settings.duration,
		RenewDeadline:   settings.duration * 10 / 15,
		RetryPeriod:     settings.duration * 2 / 15,
		ReleaseOnCancel: true,
		Name:            place.lease,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { one.leadsSince.Store(time.Now().UnixMicro()) },
			OnStoppedLeading: func() { one.leadsSince.Store(0) },
		},
	}
	return one, nil
}

// takePart takes part, again and again, until the context ends.
func (m *member) takePart(ctx context.Context) {
	for ctx.Err() == nil {
		turn, end := context.WithCancel(ctx)
		m.handOver.Store(&end)
		leaderelection.RunOrDie(turn, m.config)
		end()
	}
}

// giveUp releases the Lease, where it is had.
func (m *member) giveUp() {
	if end := m.handOver.Load(); end != nil && m.leadsSince.Load() != 0 {
		(*end)()
	}
}
