use crate::error::Result;
pub async fn discover(_: &str, _: &str) -> Result<Vec<String>> {
    Ok(vec![])
}
