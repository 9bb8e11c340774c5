// Command client-go is the leader election that most controllers have today, as a sidecar: client-go's
// LeaderElector, told over HTTP in the JSON of this project's own sidecar, so that one asker measures all alike.
//
// It is used as its documentation says: Goose is who is between OnStartedLeading and OnStoppedLeading, the Lease
// is released on SIGTERM, and who has lost it takes part again.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	settings, err := readSettings(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatalf("no way to the API server: %v", err)
	}
	members := makeMembers(config, settings)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go serve(settings.listen, members)
	var running sync.WaitGroup
	for _, one := range members {
		running.Go(func() { one.takePart(ctx) })
	}
	running.Wait()
}

func makeMembers(config *rest.Config, settings settings) []*member {
	var members []*member
	for _, place := range settings.places() {
		one, err := newMember(config, settings, place)
		if err != nil {
			log.Fatal(err)
		}
		members = append(members, one)
	}
	return members
}
