// Command clawstack-kubernetes is etcd, kube-apiserver, kube-controller-manager and kubectl in one binary.
//
// The first argument names the program: `clawstack-kubernetes kube-apiserver --help`.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

var commands = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: clawstack-kubernetes etcd|kube-apiserver|kube-controller-manager|kubectl [flags]")
		os.Exit(2)
	}
	program := os.Args[1]
	os.Args = os.Args[1:]
	if program == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	command, known := commands[program]
	if !known {
		fmt.Fprintf(os.Stderr, "unknown program %q: use etcd, kube-apiserver, kube-controller-manager or kubectl\n", program)
		os.Exit(2)
	}
	os.Exit(cli.Run(command()))
}
