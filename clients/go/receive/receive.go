// Receive prints what people write in the chats that a token may read, a line each, until Ctrl-C: receive.
//
// It begins with the oldest that the gateway still keeps. On a refusal it prints what gRPC says and ends with exit code 1.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	chatkey "example.com/chatkey/client/generated/chatkey/v1"

	"example.com/chatkey/client/connect"
)

func main() {
	channel, err := connect.Gateway()
	if err != nil {
		fail(err)
	}
	defer channel.Close()
	ctx, err := connect.WithToken(context.Background())
	if err != nil {
		fail(err)
	}
	updates := chatkey.NewUpdateServiceClient(channel)
	request := &chatkey.StreamUpdatesRequest{FromOldest: true, Kinds: []chatkey.UpdateKind{chatkey.UpdateKind_UPDATE_KIND_MESSAGE}}
	for {
		if err := follow(ctx, updates, request); status.Code(err) != codes.Unavailable {
			fail(err)
		}
		time.Sleep(rand.N(2 * time.Second))
	}
}

// follow prints until the stream ends. The request goes on then after what was printed.
func follow(ctx context.Context, updates chatkey.UpdateServiceClient, request *chatkey.StreamUpdatesRequest) error {
	stream, err := updates.StreamUpdates(ctx, request)
	if err != nil {
		return err
	}
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		if text := answer.GetUpdate().GetMessage().GetText(); text != "" {
			fmt.Println(answer.GetUpdate().GetChatId(), text)
		}
		request.Cursor, request.FromOldest = answer.GetCursor(), false
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
