// One program that is every Kubernetes component of the test cluster: it
// dispatches on the name it is called by, as busybox does. Linked once, it is
// a third of the size of six programs, and a fresh machine builds it faster.
//
// It is built with go.mod, and with oldest.mod (`-modfile`) for the oldest
// Kubernetes that is supported.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name := filepath.Base(os.Args[0])
	var command *cobra.Command
	switch name {
	case "kube-apiserver":
		command = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		command = controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		command = scheduler.NewSchedulerCommand()
	case "kube-proxy":
		command = proxy.NewProxyCommand()
	case "kubelet":
		command = kubeletCommand(kubelet.NewKubeletCommand)
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
		return
	default:
		fmt.Fprintf(os.Stderr, "wanted to be called kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet or kubectl, found %q\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(command))
}

// The oldest release's constructor takes no context.
func kubeletCommand(constructor any) *cobra.Command {
	if constructor, ok := constructor.(func() *cobra.Command); ok {
		return constructor()
	}
	return constructor.(func(context.Context) *cobra.Command)(context.Background())
}
