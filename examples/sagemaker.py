"""A model behind SageMaker's protocol: GET /ping, POST /invocations with {"history": ["0011"], "n": 10}.

The model is in /opt/ml/model, where SageMaker unpacks model.tar.gz. Usage: sagemaker.py serve [MODEL HOST PORT]
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mlcore import MlcoreError, Recommender


class Handler(BaseHTTPRequestHandler):
    """Answers from the class's recommender, which threads may share."""

    recommender: Recommender
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say that the model is loaded."""
        self.answer(200 if self.path == "/ping" else 404, {})

    def do_POST(self) -> None:
        """Recommend to a user of the model, or to a history."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = json.loads(body)
            n = asked.get("n", 10)
            if "user_id" in asked:
                found = self.recommender.predict(asked["user_id"], n=n)
            else:
                found = self.recommender.predict_history(asked["history"], n=n)
        except (KeyError, ValueError, MlcoreError) as error:
            self.answer(400, {"error": str(error)})
        else:
            self.answer(
                200, {"items": [{"item_id": one.item_id, "score": one.score} for one in found]}
            )

    def answer(self, status: int, document: dict[str, object]) -> None:
        """Send a document as JSON."""
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    model, host, port = sys.argv[2:] or ["/opt/ml/model", "0.0.0.0", "8080"]
    Handler.recommender = Recommender.load(model)
    server = ThreadingHTTPServer((host, int(port)), Handler)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
