// Send sends one message to the chat that a token opens: send CHAT_ID TEXT [REQUEST_ID].
//
// It prints the message's id and state; on a refusal it prints code, reason and error id and ends with exit code 1.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	chatkey "example.com/chatkey/client/generated/chatkey/v1"

	"example.com/chatkey/client/connect"
)

const (
	deadline = 30 * time.Second
	domain   = "chatkey.v1"
)

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fail(2, "usage: send CHAT_ID TEXT [REQUEST_ID]")
	}
	chatID, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		fail(2, "CHAT_ID is not a whole number")
	}
	// The same name in every repeat, so that a repeat is never a second message.
	requestID := rand.Text()
	if len(os.Args) == 4 {
		requestID = os.Args[3]
	}
	channel, err := connect.Gateway()
	if err != nil {
		fail(2, err.Error())
	}
	defer channel.Close()

	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	ctx, err = connect.WithToken(ctx)
	if err != nil {
		fail(2, err.Error())
	}
	request := &chatkey.SendMessageRequest{ChatId: &chatID, Text: os.Args[2], RequestId: requestID}
	var trailer metadata.MD
	message, err := send(ctx, chatkey.NewMessagingGatewayClient(channel), request, &trailer)
	if err != nil {
		fail(1, describe(err, trailer))
	}
	fmt.Println(message.GetId(), strings.TrimPrefix(message.GetState().String(), "STATE_"))
}

// send repeats the same request on UNAVAILABLE until the deadline.
func send(ctx context.Context, gateway chatkey.MessagingGatewayClient, request *chatkey.SendMessageRequest, trailer *metadata.MD) (*chatkey.Message, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		answer, err := gateway.SendMessage(ctx, request, grpc.Trailer(trailer))
		// TELEGRAM_FAILED is UNAVAILABLE too, but that message is final.
		if status.Code(err) != codes.Unavailable || reason(err) == "TELEGRAM_FAILED" {
			return answer.GetMessage(), err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(mathrand.N(pause)):
		}
	}
}

func describe(err error, trailer metadata.MD) string {
	errorID := "-"
	if ids := trailer.Get("chatkey-error-id"); len(ids) > 0 {
		errorID = ids[0]
	}
	// The numbers of gRPC's codes are those of google.rpc.Code, which has the names that the contract uses.
	return fmt.Sprintln(code.Code(status.Code(err)), reason(err), errorID)
}

// reason reads the trailer grpc-status-details-bin; "-" if there is no reason of Chatkey's in it.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return info.GetReason()
		}
	}
	return "-"
}

func fail(code int, text string) {
	fmt.Fprintln(os.Stderr, strings.TrimSpace(text))
	os.Exit(code)
}
