"""``torch.compile(model, backend="torch2trt")``: each graph that Dynamo takes out of a program, converted by itself."""
