// One step of go-git against a server: client STEP URL DIR [ARGUMENT]. See ../programs.ts.
// Debian has the packages in a GOPATH, where their names are without the version: v5.
package main

import (
	"fmt"
	"os"

	git "github.com/go-git/go-git"
	"github.com/go-git/go-git/config"
	"github.com/go-git/go-git/plumbing"
	"github.com/go-git/go-git/plumbing/transport/http"
	"github.com/go-git/go-git/storage/memory"
)

func auth() *http.BasicAuth {
	return &http.BasicAuth{Username: os.Getenv("READER_USER"), Password: os.Getenv("READER_PASSWORD")}
}

func list(url string) error {
	remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{url}})
	refs, err := remote.List(&git.ListOptions{Auth: auth()})
	for _, ref := range refs {
		if ref.Type() == plumbing.HashReference {
			fmt.Println(ref.Hash(), ref.Name())
		}
	}
	return err
}

func clone(directory string, options *git.CloneOptions) error {
	options.Auth = auth()
	_, err := git.PlainClone(directory, false, options)
	return err
}

func fetch(directory string, depth int) error {
	repository, err := git.PlainOpen(directory)
	if err != nil {
		return err
	}
	return repository.Fetch(&git.FetchOptions{Auth: auth(), Depth: depth})
}

func fetchSha(url, directory, sha string) error {
	repository, err := git.PlainInit(directory, false)
	if err != nil {
		return err
	}
	remote, err := repository.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{url}})
	if err != nil {
		return err
	}
	spec := config.RefSpec(sha + ":refs/heads/fetched")
	return remote.Fetch(&git.FetchOptions{Auth: auth(), RefSpecs: []config.RefSpec{spec}, Tags: git.NoTags})
}

func step(name, url, directory, argument string) error {
	switch name {
	case "list":
		return list(url)
	case "clone":
		return clone(directory, &git.CloneOptions{URL: url})
	case "fetch":
		return fetch(directory, 0)
	case "shallow":
		return clone(directory, &git.CloneOptions{URL: url, Depth: 1})
	case "single":
		branch := plumbing.NewBranchReferenceName(argument)
		return clone(directory, &git.CloneOptions{URL: url, SingleBranch: true, ReferenceName: branch, Tags: git.NoTags})
	case "sha":
		return fetchSha(url, directory, argument)
	}
	return fmt.Errorf("%s is unknown", name)
}

func main() {
	args := append(os.Args[1:], "", "", "", "")
	if err := step(args[0], args[1], args[2], args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
