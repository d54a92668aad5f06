package example;

import chatkey.v1.StreamUpdatesRequest;
import chatkey.v1.UpdateKind;
import chatkey.v1.UpdateServiceGrpc;
import chatkey.v1.UpdateServiceGrpc.UpdateServiceBlockingStub;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Prints what people write in the chats that a token may read, a line each, until Ctrl-C: {@code java -cp
 * chatkey-example.jar example.Receive}.
 */
public final class Receive {
  private Receive() {}

  /** Begins with the oldest that is still kept. On a refusal prints what gRPC says and ends with exit code 1. */
  public static void main(String[] arguments) throws Exception {
    var channel = Send.connect(System.getenv().getOrDefault("CHATKEY_ADDRESS", "127.0.0.1:50051"));
    var updates = UpdateServiceGrpc.newBlockingStub(channel).withInterceptors(Send.authorization(Send.token()));
    var request = StreamUpdatesRequest.newBuilder().setFromOldest(true).addKinds(UpdateKind.UPDATE_KIND_MESSAGE);
    while (true) {
      try {
        follow(updates, request);
      } catch (StatusRuntimeException ended) {
        if (ended.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          System.err.println(ended.getMessage());
          System.exit(1);
        }
      }
      Thread.sleep(ThreadLocalRandom.current().nextLong(2000));
    }
  }

  /** Prints until the stream ends. The request goes on then after what was printed. */
  private static void follow(UpdateServiceBlockingStub updates, StreamUpdatesRequest.Builder request) {
    var answers = updates.streamUpdates(request.build());
    while (answers.hasNext()) {
      var answer = answers.next();
      var update = answer.getUpdate();
      if (!update.getMessage().getText().isEmpty()) {
        System.out.println(update.getChatId() + " " + update.getMessage().getText());
      }
      request.setCursor(answer.getCursor()).setFromOldest(false);
    }
  }
}
