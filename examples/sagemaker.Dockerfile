# SageMaker's protocol: docker build -f examples/sagemaker.Dockerfile -t mlcore-sagemaker .
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir /src
ENTRYPOINT ["python", "/src/examples/sagemaker.py"]
